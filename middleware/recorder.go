package middleware

import (
	"net/http"
	"strconv"
	"sync"
)

// Decision is what a layer wants done with an answer, once its status and
// fields are known.
type Decision uint8

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

// maxStages is how many layers share one Recorder. The next one gets its own.
const maxStages = 4

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
// The others belong to the goroutine of the request.
type Recorder struct {
	w        http.ResponseWriter
	x        *Exchange
	stages   [maxStages]Stage // [:n], the outermost first
	decided  [maxStages]Decision
	n        int
	sealed   bool   // phase is sealed: nobody else writes, and the lock is not needed
	limit    int64  // of the buffer, in bytes: the largest that a stage asked for
	headOnly bool   // a HEAD answered by running a GET: the body is never sent
	onStream func() // the answer is sent on before the handler has ended

	mu       sync.Mutex // guards what follows
	phase    phase
	status   int
	swallow  bool // further bytes of the body are not wanted
	buf      *buffer
	lent     bool // others read buf: it is not used again
	hijacked bool
	replaced bool        // the answer is a layer's: the handler can add nothing
	length   int64       // of the body as the handler declared it, -1 if it did not
	written  int64       // of the body, also what was swallowed
	late     http.Header // what the handler sees of its fields once they are settled
	etagLine [1]string   // the ETag field line, here to save an allocation
}

type phase uint8

const (
	fresh     phase = iota // nothing was written
	buffering              // status and fields are settled, and held back
	sealed                 // held back, and the last stage has left
	passing                // status and fields have been sent
	finished               // nothing more can be written
)

// Enter adds a stage inside those that are there, before the handler runs. If
// it decides to Buffer, the answer is held back up to limit bytes, or more if
// another stage asks for more.
func (rec *Recorder) Enter(s Stage, limit int64) {
	rec.stages[rec.n] = s
	rec.n++
	rec.limit = max(rec.limit, limit)
}

// Leave removes the innermost stage, once the handler has returned, and returns
// what that decided. When the last one leaves, the answer is sealed.
func (rec *Recorder) Leave() Decision {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.settleDefault()
	rec.n--
	rec.stages[rec.n] = nil
	if rec.n == 0 && rec.phase == buffering {
		rec.phase, rec.sealed = sealed, true
	}
	return rec.decided[rec.n]
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
	if rec.phase == fresh {
		rec.settle(http.StatusOK)
	}
}

// HeadOnly makes the Recorder answer a HEAD request from a handler that is run
// as for a GET: whatever is written, no body is sent.
func (rec *Recorder) HeadOnly() { rec.headOnly = true }

// OnStream has f called once more of the body has been written than may be held
// back, or the handler flushes, so that what follows is lost to the layer: to
// end a handler that writes for nobody.
func (rec *Recorder) OnStream(f func()) { rec.onStream = f }

// Buffered reports whether the whole answer so far is held back, so that it
// can still be changed.
func (rec *Recorder) Buffered() bool {
	if rec.sealed {
		return true
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return rec.phase == buffering
}

// Status returns the status of the answer, 0 while there is none. In Decide it
// is the one that the handler, or a stage further in, settled on.
func (rec *Recorder) Status() int { return rec.status }

// DeclaredLength returns the Content-Length that the handler set, or -1.
func (rec *Recorder) DeclaredLength() int64 { return rec.length }

// Fields returns the fields that will be sent, for layers to change after the
// handler has ended. (Header is the handler's view, in which changes that come
// too late have no effect.)
func (rec *Recorder) Fields() http.Header { return rec.w.Header() }

// SetETag sets the ETag field of an answer that has not been sent, once the
// handler has ended.
func (rec *Recorder) SetETag(tag string) {
	if !rec.sealed {
		rec.mu.Lock()
		defer rec.mu.Unlock()
		if rec.phase == passing {
			return
		}
	}
	rec.etagLine[0] = tag
	rec.w.Header()["Etag"] = rec.etagLine[:1:1]
}

// Hijacked reports whether the handler took the connection.
func (rec *Recorder) Hijacked() bool {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return rec.hijacked
}

// Bytes returns the body of a buffered answer. It is valid until Finish, and
// must not be written to.
func (rec *Recorder) Bytes() []byte {
	if !rec.sealed {
		rec.mu.Lock()
		defer rec.mu.Unlock()
	}
	return rec.body()
}

// Lend is Bytes, but what it returns stays valid for ever: the buffer is not
// used again.
func (rec *Recorder) Lend() []byte {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.lent = true
	return rec.body()
}

// body is capped, so that appending to it cannot reach what is written later.
func (rec *Recorder) body() []byte {
	if rec.buf == nil {
		return nil
	}
	return rec.buf.b[:len(rec.buf.b):len(rec.buf.b)]
}

// TurnNotModified makes a buffered answer a 304 with its fields.
func (rec *Recorder) TurnNotModified() {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.notModified()
	rec.dropBuffer()
}

// Replace puts the answer that write gives in the place of a buffered one.
// Fields that the handler set stay unless write clears them. Whoever still
// writes to the Recorder itself gets [http.ErrHandlerTimeout].
func (rec *Recorder) Replace(write func(http.ResponseWriter)) {
	rec.mu.Lock()
	rec.dropBuffer()
	rec.sealed, rec.replaced, rec.late = false, true, nil
	rec.mu.Unlock()

	r := replacement{rec: rec, body: takeBuffer()}
	write(&r)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.status, rec.swallow, rec.buf = r.status, false, r.body
	if rec.phase = buffering; rec.n == 0 {
		rec.phase, rec.sealed = sealed, true
	}
}

// Finish sends what is held back. The layer that owns the Recorder calls it
// when everything is decided, and not after a panic: what was held back is
// then never sent.
func (rec *Recorder) Finish() {
	if !rec.sealed {
		rec.mu.Lock()
		defer rec.mu.Unlock()
	}
	if rec.sealed || rec.phase == buffering {
		rec.sendBuffered()
	}
	rec.mergeTrailers()
	rec.dropBuffer()
	if !rec.sealed {
		rec.phase = finished
	}
}

// settle fixes status and fields, and decides what happens to the answer.
func (rec *Recorder) settle(status int) {
	rec.status, rec.length = status, declaredLength(rec.w.Header())
	if rec.decide() {
		rec.phase = buffering
		return
	}
	rec.startPassing()
}

// decide asks the stages, the innermost first, and reports whether the answer
// is to be held back. An answer with declared trailers is not, unless its body
// is unwanted: their values would be among the fields by the time that these
// are sent.
func (rec *Recorder) decide() (hold bool) {
	rec.decided = [maxStages]Decision{}
	if rec.status == http.StatusSwitchingProtocols {
		return false
	}
	_, trailers := rec.w.Header()["Trailer"]
	d := Pass
	for i := rec.n - 1; i >= 0; i-- {
		next := rec.stages[i].Decide(rec, d)
		if next == Buffer && trailers {
			next = Pass
		}
		switch next {
		case NotModified:
			rec.notModified()
		case Drop:
			rec.swallow, hold = true, true
		case Buffer:
			hold = true
		case Pass:
			continue // what those inside decided stays
		}
		rec.decided[i], d = next, next
	}
	return hold
}

func (rec *Recorder) notModified() {
	deleteContentFields(rec.w.Header())
	rec.status, rec.swallow = http.StatusNotModified, true
}

func (rec *Recorder) startPassing() {
	rec.phase = passing
	rec.swallow = rec.swallow || rec.headOnly || rec.x.probe
	rec.w.WriteHeader(rec.status)
}

// stream sends what is held back, and everything else as it is written.
func (rec *Recorder) stream() error {
	var err error
	rec.startPassing()
	rec.tellStream()
	if body := rec.body(); len(body) > 0 && !rec.swallow {
		_, err = rec.w.Write(body)
	}
	rec.dropBuffer()
	return err
}

func (rec *Recorder) tellStream() {
	if rec.onStream != nil {
		rec.onStream()
		rec.onStream = nil
	}
}

func (rec *Recorder) sendBuffered() {
	body := rec.body()
	if rec.headOnly {
		rec.describeBody(body)
		body = nil
	}
	rec.w.WriteHeader(rec.status)
	if len(body) > 0 {
		_, _ = rec.w.Write(body) // the client is gone: nobody is left to be told
	}
}

// describeBody gives a HEAD the fields that the GET would have had, as the
// server does for a handler that ignores the method.
func (rec *Recorder) describeBody(body []byte) {
	h := rec.w.Header()
	if len(body) == 0 || rec.swallow {
		return
	}
	if h["Content-Length"] == nil {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	if _, typed := h["Content-Type"]; !typed && h["Content-Encoding"] == nil {
		h["Content-Type"] = []string{http.DetectContentType(body)}
	}
}

func (rec *Recorder) dropBuffer() {
	if rec.buf != nil && !rec.lent {
		rec.buf.giveBack()
	}
	rec.buf, rec.lent = nil, false
}

// declaredLength is the Content-Length that the handler set, or -1.
func declaredLength(h http.Header) int64 {
	lines := h["Content-Length"]
	if len(lines) == 0 {
		return -1
	}
	n, err := strconv.ParseInt(lines[0], 10, 64)
	if err != nil {
		return -1
	}
	return n
}
