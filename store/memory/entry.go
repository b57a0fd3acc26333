package memory

import "github.com/concordhttp/concord/store"

// entry is a record as it lies in its shard, guarded by the shard's lock.
type entry struct {
	key      string
	head     []byte
	body     []byte
	dropped  bool // there was a body
	version  uint64
	written  instant
	deadline instant
	position int           // index in the shard's deadlines
	changed  chan struct{} // made by the first watcher of this version; closed when it is over
}

// record returns what callers see of e.
func (e *entry) record(now instant) store.Record {
	return store.Record{
		Head:    e.head,
		Body:    e.body,
		Dropped: e.dropped,
		TTL:     e.deadline.since(now),
		Age:     now.since(e.written),
		Version: e.version,
	}
}

// watch returns a channel that is closed when this version is over.
func (e *entry) watch() <-chan struct{} {
	if e.changed == nil {
		e.changed = make(chan struct{})
	}
	return e.changed
}

// wake wakes those who watch this version. The next version starts without
// watchers.
func (e *entry) wake() {
	if e.changed != nil {
		close(e.changed)
		e.changed = nil
	}
}
