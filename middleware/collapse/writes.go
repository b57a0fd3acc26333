package collapse

import "sync/atomic"

// writes counts the writes of each resource, or of several together, which can
// then share less. A run that began at another count than the present one may
// have read what is no longer so. Counting takes one step, however many runs
// there are, and needs no memory for each resource.
type writes [1 << 10]atomic.Uint64

func (w *writes) slot(resource uint64) *atomic.Uint64 { return &w[resource%uint64(len(w))] }
