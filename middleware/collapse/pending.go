package collapse

import (
	"bytes"
	"sync/atomic"
)

// pending is the beginning of an answer of unknown length for which others wait,
// until it is known why the Recorder sends it now. If the handler flushed, it is
// a stream, and they read along. If the answer has become too large to be held,
// they run for themselves: it may be longer than the window, and whoever takes
// it more slowly than the leader's client would be cut off, which the handler
// alone would not do to anybody.
type pending struct {
	status atomic.Int32 // 0: nothing is pending
	held   []byte       // what the Recorder held, which a flush or a write follows at once
}

// holds reports whether p has to wait until it is known what becomes of it.
func (o *output) holds(p []byte) bool {
	if o.pending.status.Load() == 0 {
		return false
	}
	if o.pending.held == nil && int64(len(p)) <= o.run.layer.config.MaxBody {
		o.pending.held = bytes.Clone(p) // the Recorder uses its buffer again
		return true
	}
	o.settle(false)
	return false
}

// settle sends what is pending.
func (o *output) settle(flushed bool) {
	if o.pending.status.Load() == 0 {
		return
	}
	status := int(o.pending.status.Swap(0))
	if status == 0 {
		return
	}
	if !flushed {
		o.run.refuse()
	}
	o.begin(status)
	o.w.WriteHeader(status)
	if held := o.pending.held; len(held) > 0 {
		o.pending.held = nil
		_, _ = o.Write(held) // if the client is gone, the next write says so
	}
}
