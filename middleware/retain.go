package middleware

import (
	"errors"
	"net/http"
)

// ErrTooLarge is what a handler's write returns once its answer is larger than
// may be held back, where nothing of it may be sent before the handler has
// ended; see [Recorder.HoldFirmly].
var ErrTooLarge = errors.New("middleware: the answer is larger than may be held back")

// Passer is a [Stage] that is told when status and fields of the answer are
// about to be sent before the layer finishes it. It must not write to either,
// nor call the Recorder.
type Passer interface {
	Passing(status int, fields http.Header)
}

// Retain keeps up to limit bytes, at least 1, of the body also of an answer that
// is sent on while it is written, for a layer that records it. What the client
// makes of the answer is then no concern of the handler's: a write that fails
// because the client is gone counts as written.
func (rec *Recorder) Retain(limit int64) {
	rec.a.retained = max(rec.a.retained, limit)
}

// Retained returns the body so far, whether it is held back or was sent on. It
// is valid until Finish, and must not be written to. False: more was written
// than Retain was to keep, or may be held firmly, or Retain was not called, or
// the connection was hijacked. After Replace it is the body of that answer.
func (rec *Recorder) Retained() (body []byte, whole bool) {
	if !rec.a.closed {
		rec.mu.Lock()
		defer rec.mu.Unlock()
	}
	a := &rec.a
	body = a.body()
	return body, a.retained > 0 && !a.overrun && a.phase != hijacked && int64(len(body)) <= a.retained
}

// HoldFirmly keeps every byte of the answer back until the handler has ended: a
// flush sends nothing, a hijack is refused, and a write past the limit, like
// every later one, fails with [ErrTooLarge]; the layer then has to Replace the
// answer. It counts whatever the stages decide, and must be called before the
// handler writes. Informational answers (1xx) say nothing of how it ends, and
// still go out.
func (rec *Recorder) HoldFirmly() { rec.a.firm = true }

// HeldFirmly reports whether one of the Recorders that w writes to holds its
// answer firmly: a transaction is open outside of whoever asks.
func HeldFirmly(w http.ResponseWriter) bool {
	for range maxUnwrap {
		switch u := w.(type) {
		case *Recorder:
			if u.a.firm {
				return true
			}
			w = u.w
		case interface{ Unwrap() http.ResponseWriter }:
			w = u.Unwrap()
		default:
			return false
		}
	}
	return false
}

// Overrun reports whether more was written than may be held firmly.
func (rec *Recorder) Overrun() bool {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return rec.a.firm && rec.a.overrun
}

// retains reports whether n more bytes than are in the buffer are to be kept of
// an answer that is sent on, and gives the buffer up for good if they are too
// many.
func (a *answer) retains(n int) bool {
	if a.retained == 0 || a.overrun {
		return false
	}
	if held := int64(len(a.body())); held+int64(n) > a.retained {
		a.overrun = true
		a.dropBuffer()
		return false
	}
	return true
}

// masked returns the error of a write to the client as the handler sees it.
// What it did wrong itself it is told.
func (a *answer) masked(err error) error {
	if a.retained == 0 || errors.Is(err, http.ErrBodyNotAllowed) || errors.Is(err, http.ErrContentLength) {
		return err
	}
	return nil
}
