package collapse

import "sync/atomic"

// writes counts the writes of each resource, or of several together, which can
// then share less. A run that began at another count than the present one may
// have read what is no longer so. Counting takes one step, however many runs
// there are, and needs no memory for each resource.
type writes struct {
	counts [1 << 10]atomic.Uint64
	all    atomic.Uint64 // of writes that count for every resource
	live   atomic.Int64  // runs that can be joined
}

// slot is where the writes of a resource are counted.
func (w *writes) slot(resource uint64) *atomic.Uint64 {
	return &w.counts[resource%uint64(len(w.counts))]
}

// count is how many writes there were of what is counted in slot.
func (w *writes) count(slot *atomic.Uint64) uint64 { return slot.Load() + w.all.Load() }

// add counts a write that has ended. A nil slot is that of a write before which
// no run was live, so that nobody had to ask what it is about: if there are some
// now, they have begun while it ran, and each may have read what it changed.
func (w *writes) add(slot *atomic.Uint64) {
	switch {
	case slot != nil:
		slot.Add(1)
	case w.live.Load() > 0:
		w.all.Add(1)
	}
}
