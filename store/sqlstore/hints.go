package sqlstore

import "sync/atomic"

// hinted is how long a record has to live to be worth remembering, in µs: those of
// gates, which come and go, have less.
const hinted = 60_000_000

// hints remembers keys at which a record was standing when somebody last tried to
// create one: those of answers that are replayed. To look first is then cheaper by
// half than the statement that could also create; where it is in vain it costs one
// statement more. Each number has one place, and a later one takes it.
type hints [4096]atomic.Int64

func (h *hints) standing(number int64, stands bool) {
	place := &h[uint64(number)%uint64(len(h))]
	switch {
	case stands:
		place.Store(number)
	case place.Load() == number:
		place.Store(0)
	}
}

func (h *hints) likely(number int64) bool {
	return number != 0 && h[uint64(number)%uint64(len(h))].Load() == number
}
