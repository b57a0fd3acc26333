package memory

import "sync/atomic"

// room is what the shards of one store share: how much they hold together, and
// how much they may.
type room struct {
	maxRecords, maxBodyBytes int64
	records, bodyBytes       atomic.Int64
}

// takeRecord reserves room for one more record, or reports that there is none.
// It never counts a record that it does not get room for, not even for a
// moment: another Create would find the store full because of it.
func (r *room) takeRecord() bool {
	for {
		n := r.records.Load()
		if n >= r.maxRecords {
			return false
		}
		if r.records.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// giveRecord returns the room of a record.
func (r *room) giveRecord() { r.records.Add(-1) }

// short reports whether bodies take up more room than they may.
func (r *room) short() bool { return r.bodyBytes.Load() > r.maxBodyBytes }
