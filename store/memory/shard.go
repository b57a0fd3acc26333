package memory

import (
	"slices"
	"sync"

	"github.com/concordhttp/concord/store"
)

// How many expired records are removed in passing by a write, and in one
// holding of a lock by [Store.Sweep]. Two for each one that a write can add is
// enough for garbage to shrink.
const (
	reapedPerWrite = 2
	reapedPerStep  = 128
)

// shard holds the records of some of the keys. Its methods, those apart that
// take the lock themselves, are called with it held.
type shard struct {
	clock clock
	room  *room
	full  error // what to say when there is no room

	mu        sync.Mutex
	closed    bool
	entries   map[string]*entry // every entry is in deadlines too
	deadlines deadlines
	bodies    *bodies // those entries that have a body
	last      uint64  // the greatest version that any key of this shard had
	spare     *entry  // one that was removed, for the next one to be created; nil: none

	_ [64]byte // keeps the locks of neighbours off one cache line
}

// live returns the entry at key, or nil. An entry that has expired is removed.
func (h *shard) live(key string, now instant) *entry {
	e := h.entries[key]
	if e != nil && h.expire(e, now) {
		return nil
	}
	return e
}

// expire removes e if it has expired, and reports whether it has.
func (h *shard) expire(e *entry, now instant) bool {
	if e.deadline > now {
		return false
	}
	h.remove(e)
	return true
}

// write makes r the record of e, as a new version. One counter for all keys of
// the shard is more than strictly greater per key needs, and leaves nothing to
// remember of keys that are gone.
func (h *shard) write(e *entry, r store.Record, now instant, micros uint64) {
	e.wake()
	h.last = max(h.last+1, micros)
	e.version = h.last
	e.written, e.deadline = now, now.plus(r.TTL)
	e.head = slices.Clip(r.Head)
	h.setBody(e, r.Body)
}

// remove takes e out of the shard.
func (h *shard) remove(e *entry) {
	delete(h.entries, e.key)
	h.deadlines.remove(e)
	h.clearBody(e)
	h.room.giveRecord()
	e.wake()
	*e = entry{} // or it would keep alive what it had
	h.spare = e
}

// newEntry returns an empty entry. Most records of a gate are gone within
// microseconds, and the next one takes the place of the last. Outside of the
// lock an entry is only compared, to spare its body in [Store.makeRoom]; that of
// its next key fits by itself as well.
func (h *shard) newEntry(key string) *entry {
	e := h.spare
	if h.spare = nil; e == nil {
		e = new(entry)
	}
	e.key = key
	return e
}

// reap removes up to limit entries that have expired, and returns how many.
func (h *shard) reap(now instant, limit int) (removed int) {
	for ; removed < limit; removed++ {
		e := h.deadlines.expired(now)
		if e == nil {
			break
		}
		h.remove(e)
	}
	return removed
}

// reapLocked is reap at the present instant, and takes the lock.
func (h *shard) reapLocked(limit int) (removed int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reap(h.clock.now(), limit)
}

// close empties the shard for good.
func (h *shard) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.entries, h.deadlines, h.bodies, h.spare = nil, deadlines{}, newBodies(), nil
}
