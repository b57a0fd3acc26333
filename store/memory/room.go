package memory

import "sync/atomic"

// room is what the shards of one store share: how much they hold together, and
// how much they may.
type room struct {
	maxRecords, maxBodyBytes int64
	records, bodyBytes       atomic.Int64
}

// takeRecord reserves room for one more record, or reports that there is none.
func (r *room) takeRecord() bool {
	if r.records.Add(1) <= r.maxRecords {
		return true
	}
	r.records.Add(-1)
	return false
}

// giveRecord returns the room of a record.
func (r *room) giveRecord() { r.records.Add(-1) }

// short reports whether bodies take up more room than they may.
func (r *room) short() bool { return r.bodyBytes.Load() > r.maxBodyBytes }
