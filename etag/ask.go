package etag

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

// finding is the current state of a resource and, if the handler was asked for
// it, its answer.
type finding struct {
	state  State
	answer *middleware.Recorder // nil if Current told
}

// free gives the answer's memory back.
func (f finding) free() {
	if f.answer != nil {
		f.answer.Finish()
	}
}

// find finds out the current state of the resource that a write is about.
// False: it could not, and the request has been answered. The write is never
// run on a guess.
func (wr *write) find(rec *middleware.Recorder) (finding, bool) {
	if current := wr.l.config.Current; current != nil {
		s, err := current(wr.inner)
		if err != nil {
			wr.l.refuse(rec, wr.r, unavailable(err))
			return finding{}, false
		}
		return finding{state: s}, wr.hasWhatItNeeds(rec, s)
	}
	if p := behindMethodRoute(wr.r); p != nil {
		wr.l.refuse(rec, wr.r, p)
		return finding{}, false
	}
	return wr.readAnswerOf(rec, wr.ask())
}

// readAnswerOf takes the state from the answer to the layer's own GET.
func (wr *write) readAnswerOf(rec, answer *middleware.Recorder) (finding, bool) {
	f := finding{answer: answer}
	switch status := answer.Status(); {
	case isSuccess(status):
		f.state = stateOf(answer)
		f.state.Tag = wr.l.tagOf(answer)
		if wr.hasWhatItNeeds(rec, f.state) {
			return f, true
		}
	case status == http.StatusNotFound || status == http.StatusGone:
		return f, true
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		wr.l.passOn(rec, wr.r, answer)
	case status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented:
		wr.l.refuse(rec, wr.r, validatorMissing(fmt.Errorf("etag: GET of the resource answers %d; give Config.Current", status)))
	default:
		wr.l.refuse(rec, wr.r, unavailable(fmt.Errorf("etag: GET of the resource answers %d", status)))
	}
	f.free()
	return finding{}, false
}

// hasWhatItNeeds refuses a list of tags that there is no tag to compare with.
// A reader got none either, so the list cannot be right; but 412 would send
// the client for a newer one that it will never get.
func (wr *write) hasWhatItNeeds(rec *middleware.Recorder, s State) bool {
	if !s.Exists || s.Tag != (Tag{}) || !wr.preconditions.needsTag() {
		return true
	}
	wr.l.refuse(rec, wr.r, validatorMissing(fmt.Errorf(
		"etag: the resource has no entity tag: its answer to GET has no ETag and is a stream, or larger than Config.MaxBody")))
	return false
}

// ask runs the handler with a GET of the request's target on the client's
// behalf, and returns its answer, of which at most MaxBody bytes are held.
func (wr *write) ask() *middleware.Recorder {
	ctx, cancel := context.WithCancel(wr.inner.Context())
	defer cancel()
	answer := middleware.Ask(wr.l.config.MaxBody, cancel)
	wr.next.ServeHTTP(answer, question(ctx, wr.r))
	answer.Settle()
	return answer
}

// question is the GET of a write's target, with everything that could choose
// the representation or say who asks.
func question(ctx context.Context, r *http.Request) *http.Request {
	q := r.WithContext(ctx)
	q.Method = http.MethodGet
	q.Body, q.GetBody, q.ContentLength = http.NoBody, nil, 0
	q.TransferEncoding, q.Trailer = nil, nil
	q.Header = r.Header.Clone()
	middleware.DeleteHopByHop(q.Header)
	for name := range q.Header {
		if concernsTheWrite(name) {
			delete(q.Header, name)
		}
	}
	return q
}

// concernsTheWrite reports whether a field of a write says nothing about the
// representation that a GET would select.
func concernsTheWrite(name string) bool {
	switch name {
	case "Range", "Expect", "Prefer", "Idempotency-Key", "Lock-Token":
		return true
	}
	return strings.HasPrefix(name, "If-") || strings.HasPrefix(name, "Content-")
}

// behindMethodRoute refuses to ask a handler that a ServeMux reached by a
// pattern with a method: it may never look at the method, and would run the
// write in answer to the GET.
func behindMethodRoute(r *http.Request) *problem.Problem {
	method, _, found := strings.Cut(r.Pattern, " ")
	if !found {
		return nil
	}
	return validatorMissing(fmt.Errorf(
		"etag: the layer wraps the handler of a %s route, which cannot be asked for the validator: wrap the router, or give Config.Current", method))
}

// passOn answers as the handler answered the layer's own GET: whoever may not
// read the resource is not told by a precondition what it is.
func (l *Layer) passOn(rec *middleware.Recorder, r *http.Request, answer *middleware.Recorder) {
	fields := rec.Fields()
	for name, values := range answer.Fields() {
		fields[name] = values
	}
	middleware.MarkRefused(rec)
	rec.WriteHeader(answer.Status())
	_, _ = rec.Write(answer.Bytes())
	l.observe(r, middleware.Event{Kind: middleware.EventRefused, Status: answer.Status()})
}
