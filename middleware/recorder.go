package middleware

import (
	"net/http"
	"sync"
)

// Decision is what a layer wants done with an answer, once its status and
// fields are known.
type Decision uint8

// The decisions.
const (
	// Pass: send the answer on as it is written.
	Pass Decision = iota
	// Buffer: hold it back, up to the limit, until the handler has ended.
	Buffer
	// NotModified: send 304 and these fields at once, and swallow the body.
	NotModified
	// Drop: swallow the body and send nothing; the layer will answer instead.
	Drop
)

// Stage is a layer's part in the answer. Decide is asked once, at the first
// WriteHeader, Write or Flush, with what the layers inside it decided; see
// [Recorder.Status] and [Recorder.Fields]. It must not write to the Recorder.
type Stage interface {
	Decide(rec *Recorder, inner Decision) Decision
}

// Recorder is the buffering [http.ResponseWriter] of the project. It asks its
// stages once what to do with the answer, and from then on buffers, passes or
// swallows it. A buffered answer that grows past the limit, or is flushed by
// the handler, is sent on from there as it is written.
//
// Informational answers (1xx), trailers, Flush, Hijack and ReadFrom work as
// they do without it; what it does not know is reached through Unwrap.
//
// Methods of [http.ResponseWriter] may be called from any goroutine, also, by
// mistake, from one that outlives the handler: it gets [http.ErrHandlerTimeout].
// For its sake a Recorder is never used for another request, and nor is what it
// knows: only buffers are, once they are out of the handler's reach. The other
// methods belong to the goroutine of the request.
type Recorder struct {
	w        http.ResponseWriter
	mu       sync.Mutex // guards a, until that is closed
	a        answer
	etagLine [1]string // the ETag field line, here to save an allocation
}

// Enter adds a stage inside those that are there, before the handler runs. If
// it decides to Buffer, the answer is held back up to limit bytes, or more if
// another stage asks for more.
func (rec *Recorder) Enter(s Stage, limit int64) {
	a := &rec.a
	a.stages[a.n] = s
	a.n++
	a.limit = max(a.limit, limit)
}

// Leave removes the innermost stage, once the handler has returned, and returns
// what that decided. When the last one leaves, the handler can add nothing more.
func (rec *Recorder) Leave() Decision {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	a := &rec.a
	rec.settleDefault()
	a.n--
	a.stages[a.n] = nil
	if a.n == 0 {
		a.closed = true
	}
	return a.decided.of(a.n)
}

// Settle says that the handler has returned, before Leave does.
func (rec *Recorder) Settle() {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.settleDefault()
}

// settleDefault answers for a handler that wrote nothing: 200 without a body,
// as in net/http.
func (rec *Recorder) settleDefault() {
	if rec.a.phase == fresh {
		rec.a.settle(rec, http.StatusOK)
	}
}

// HeadOnly makes the Recorder answer a HEAD request from a handler that is run
// as for a GET: whatever is written, no body is sent.
func (rec *Recorder) HeadOnly() { rec.a.headOnly = true }

// OnStream has f called once more of the body has been written than may be held
// back, or the handler flushes, so that what follows is lost to the layer: to
// end a handler that writes for nobody.
func (rec *Recorder) OnStream(f func()) { rec.a.onStream = f }

// Buffered, Bytes, SetETag and Hijacked are on the path of many, and take no lock
// once the handler's side is closed. The goroutine of the request may look
// whether it is, since no other closes it.

// Buffered reports whether the whole answer so far is held back, so that it
// can still be changed.
func (rec *Recorder) Buffered() bool {
	if !rec.a.closed {
		rec.mu.Lock()
		defer rec.mu.Unlock()
	}
	return rec.a.phase == buffering
}

// Status returns the status of the answer, 0 while there is none. In Decide it
// is the one that the handler, or a stage further in, settled on.
func (rec *Recorder) Status() int { return int(rec.a.status) }

// Plain reports that the answer has no fields but, perhaps, Content-Type and
// Content-Length, so that nobody has to look for any other. False says nothing. It
// is for Decide: layers that change the fields later are not counted with.
func (rec *Recorder) Plain() bool { return rec.a.plain(rec.w.Header()) }

// Endless reports whether the answer says by its Content-Type that it is a stream
// which has no end. Others that must not be held back are flushed by their
// handler.
func (rec *Recorder) Endless() bool { return rec.a.endless }

// DeclaredLength returns the Content-Length that the handler set, or -1.
func (rec *Recorder) DeclaredLength() int64 { return rec.a.length }

// Fields returns the fields that will be sent, for layers to change after the
// handler has ended. (Header is the handler's view, in which changes that come
// too late have no effect.)
func (rec *Recorder) Fields() http.Header { return rec.w.Header() }

// SetETag sets the ETag field of an answer that has not been sent, once the
// handler has ended.
func (rec *Recorder) SetETag(tag string) {
	if !rec.a.closed {
		rec.mu.Lock()
		defer rec.mu.Unlock()
	}
	if rec.a.phase.sent() {
		return
	}
	rec.etagLine[0] = tag
	rec.w.Header()["Etag"] = rec.etagLine[:1:1]
}

// Hijacked reports whether the handler took the connection.
func (rec *Recorder) Hijacked() bool {
	if !rec.a.closed {
		rec.mu.Lock()
		defer rec.mu.Unlock()
	}
	return rec.a.phase == hijacked
}

// Bytes returns the body of a buffered answer. It is valid until Finish, and
// must not be written to.
func (rec *Recorder) Bytes() []byte {
	if !rec.a.closed {
		rec.mu.Lock()
		defer rec.mu.Unlock()
	}
	return rec.a.body()
}

// Lend is Bytes, but what it returns stays valid for ever: the buffer is not
// used again.
func (rec *Recorder) Lend() []byte {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.a.buf != nil {
		rec.a.buf.lent = true
	}
	return rec.a.body()
}

// TurnNotModified makes a buffered answer a 304 with its fields, to which the
// handler can add nothing.
func (rec *Recorder) TurnNotModified() {
	rec.close()
	rec.a.notModified(rec.w.Header())
	rec.a.dropBuffer()
}

// Replace puts the answer that write gives in the place of a buffered one.
// Fields that the handler set stay unless write clears them. Whoever still
// writes to the Recorder itself gets [http.ErrHandlerTimeout].
func (rec *Recorder) Replace(write func(http.ResponseWriter)) {
	rec.close()
	rec.a.dropBuffer()
	rec.a.late = nil
	r := replacement{rec: rec, body: takeBuffer()}
	write(&r)
	if r.status == 0 {
		r.status = http.StatusInternalServerError // a responder that says nothing: an empty 200 would be a lie
	}
	rec.a.status, rec.a.swallow, rec.a.buf = int16(r.status), false, r.body
	rec.a.exchange.set(refusing, false)
	rec.a.exchange.set(refused, r.refused)
	rec.a.phase, rec.a.overrun, rec.a.content, rec.a.endless = buffering, false, -1, false
}

// Close puts the answer out of the handler's reach, once that has returned and
// before the last layer leaves: for one that must know what the answer is in the
// end.
func (rec *Recorder) Close() {
	if rec.a.closed {
		return
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.settleDefault()
	rec.a.closed = true
}

// close puts the answer out of the handler's reach.
func (rec *Recorder) close() {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.a.closed = true
}

// Finish sends what is held back. The layer that owns the Recorder calls it
// when everything is decided, and not after a panic: what was held back is
// then never sent.
func (rec *Recorder) Finish() {
	if !rec.a.closed {
		rec.close()
	}
	a := &rec.a
	if a.phase == buffering {
		a.send(rec.w)
	}
	if a.late != nil {
		a.mergeTrailers(rec.w.Header())
	}
	a.dropBuffer()
}
