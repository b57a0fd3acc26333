package collapse

import "bytes"

// pending is the beginning of an answer of unknown length for which others wait,
// until it is known why the Recorder sends it now. If the handler flushed, it is
// a stream, and they read along. If the answer has become too large to be held,
// they run for themselves: it may be longer than the window, and whoever takes
// it more slowly than the leader's client would be cut off, which the handler
// alone would not do to anybody.
type pending struct {
	status int
	held   []byte // what the Recorder held, which a flush or a write follows at once
}

// holds reports whether p has to wait until it is known what becomes of it.
func (o *output) holds(p []byte) bool {
	pending := o.pending.Load()
	if pending == nil {
		return false
	}
	if pending.held == nil && int64(len(p)) <= o.handler.layer.config.MaxBody {
		pending.held = bytes.Clone(p) // the Recorder uses its buffer again
		return true
	}
	o.settle(false)
	return false
}

// settle sends what is pending.
func (o *output) settle(flushed bool) {
	if o.pending.Load() == nil {
		return
	}
	crowd := o.crowd // there is one, or nothing would be pending
	crowd.sending.Lock()
	defer crowd.sending.Unlock()
	pending := o.pending.Swap(nil)
	if pending == nil {
		return
	}
	if !flushed {
		o.run().refuse()
	}
	o.beginNow(pending.status)
	o.w.WriteHeader(pending.status)
	if len(pending.held) > 0 {
		_, _ = o.Write(pending.held) // if the client is gone, the next write says so
	}
}
