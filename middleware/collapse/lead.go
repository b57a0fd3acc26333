package collapse

import (
	"errors"
	"maps"
	"net/http"
	"strings"

	"github.com/concordhttp/concord/middleware"
)

var _ middleware.Stage = (*run)(nil)

// lead runs the handler, in the goroutine of its own request: a framework takes
// back what belongs to a request once that has been answered.
func (r *run) lead(w http.ResponseWriter, req *http.Request) {
	r.key.outer.read(w.Header())
	r.w = w
	r.request = *req.WithContext(r) // a copy as net/http makes it
	if r.key.conditional {
		r.request.Header = withoutConditions(req.Header)
	}
	rec, _ := middleware.RecordIn((*output)(r), &r.recorder)
	rec.Enter(r, r.handler.layer.config.MaxBody)
	resource, returned := r.handler.layer.observed(req), false
	defer func() { r.end(req, resource, returned) }()
	r.handler.next.ServeHTTP(rec, &r.request)
	middleware.GiveBack(req, &r.request)
	r.share(rec)
	r.observe(req, resource, middleware.Event{Kind: middleware.EventPassed, Status: rec.Status()})
	r.finishing = true
	rec.Finish()
	returned = true
}

// withoutConditions leaves out what the leader's client holds: it is no matter
// of the others, and an answer without content is none for them.
func withoutConditions(fields http.Header) http.Header {
	fields = maps.Clone(fields)
	delete(fields, "If-None-Match")
	delete(fields, "If-Modified-Since")
	return fields
}

// Decide implements [middleware.Stage]. An answer that cannot be shared goes out
// as it is written, and those who wait begin at once.
func (r *run) Decide(rec *middleware.Recorder, _ middleware.Decision) middleware.Decision {
	length := rec.DeclaredLength()
	if r.request.Method == http.MethodHead {
		length = 0
	}
	if length > r.window() || !shareable(rec.Status(), rec.Fields()) {
		r.refuse()
		return middleware.Pass
	}
	if length > r.handler.layer.config.MaxBody {
		return middleware.Pass
	}
	return middleware.Buffer
}

// share hands a buffered answer to those who wait, before the leader's client
// gets it: a client that reads slowly holds nobody up.
func (r *run) share(rec *middleware.Recorder) {
	waiting := r.close()
	trailers := waiting > 0 && r.hasTrailers(rec.Header())
	rec.Leave()
	(*output)(r).settle(false)
	r.awaitSender()
	if waiting == 0 || r.streamed.Load() {
		return
	}
	if !rec.Buffered() || trailers || !shareable(rec.Status(), rec.Fields()) {
		r.refuse()
		return
	}
	addStatus(rec.Fields(), collapsed)
	a := r.answerOf(rec.Status(), rec.Fields())
	a.body = rec.Lend()
	r.decide(&outcome{answer: a})
}

// end frees what the run holds. A handler that did not return, but panicked or
// left with runtime.Goexit, leaves those who wait to themselves; that is no
// answer to share, and nothing for them to die of.
func (r *run) end(req *http.Request, resource string, returned bool) {
	if !returned {
		r.decide(refused)
	}
	if !returned || r.streamed.Load() {
		r.endStream(returned)
	}
	r.cancel(isOver)
	if returned {
		r.key.giveBack()
		r.key = nil // nobody begins to send any more, who would look at it
		return
	}
	// The key stays: a goroutine that the handler left behind may still write.
	r.observe(req, resource, middleware.Event{Kind: middleware.EventFailed, Err: errNoReturn})
}

var errNoReturn = errors.New("collapse: the handler did not return: a panic, or runtime.Goexit")

func (r *run) observe(req *http.Request, resource string, e middleware.Event) {
	if r.handler.layer.config.Observer != nil {
		e.Run = r.handler.layer.now() - r.began
		r.handler.layer.observe(req, resource, e)
	}
}

// awaitSender waits for a goroutine that the handler left behind, if that is just
// beginning to send the answer: it looks at the fields and at the key. Nobody else
// begins once the Recorder is left.
func (r *run) awaitSender() {
	if r.crowd != nil {
		r.crowd.sending.Lock()
		defer r.crowd.sending.Unlock() // to have waited is all
	}
}

// hasTrailers reports whether the handler set trailers without declaring them.
// Somebody waits.
func (r *run) hasTrailers(fields http.Header) bool {
	r.crowd.sending.Lock()
	defer r.crowd.sending.Unlock()
	for name := range fields {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			return true
		}
	}
	return false
}
