package memory

import (
	"github.com/concordhttp/concord/store"
)

// The steps of a shard: what each method of Store does once it has found the
// shard, under the shard's lock from beginning to end.

func (h *shard) get(key string) (store.Record, bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return store.Record{}, false, store.ErrClosed
	}
	e := h.entries[key]
	if e == nil {
		return store.Record{}, false, nil // without a look at the clock, which costs more
	}
	now := h.clock.now()
	if h.expire(e, now) {
		return store.Record{}, false, nil
	}
	if len(e.body) > 0 {
		h.bodies.Get(e)
	}
	return e.record(now), true, nil
}

// create returns the entry that it wrote, nil if another stands, and the
// standing record.
func (h *shard) create(key string, r store.Record) (*entry, store.Record, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, store.Record{}, store.ErrClosed
	}
	now, micros := h.clock.nowAndMicros()
	h.reap(now, reapedPerWrite)
	if e := h.live(key, now); e != nil {
		return nil, e.record(now), nil
	}
	if !h.room.takeRecord() {
		return nil, store.Record{}, h.full
	}
	e := h.newEntry(key)
	h.write(e, r, now, micros)
	h.entries[key] = e
	h.deadlines.add(e)
	standing := e.record(now)
	return e, standing, nil
}

// replace returns the entry that it wrote, nil if it has another version or
// there is none, and the standing record.
func (h *shard) replace(key string, version uint64, r store.Record) (*entry, store.Record, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, store.Record{}, store.ErrClosed
	}
	now, micros := h.clock.nowAndMicros()
	h.reap(now, reapedPerWrite)
	e := h.live(key, now)
	if e == nil {
		return nil, store.Record{}, nil
	}
	if e.version != version {
		return nil, e.record(now), nil
	}
	h.write(e, r, now, micros)
	h.deadlines.moved(e)
	standing := e.record(now)
	return e, standing, nil
}

func (h *shard) delete(key string, version uint64) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false, store.ErrClosed
	}
	now := h.clock.now()
	h.reap(now, reapedPerWrite)
	e := h.live(key, now)
	if e == nil || e.version != version {
		return false, nil
	}
	h.remove(e)
	return true, nil
}
