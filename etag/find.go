package etag

import (
	"errors"
	"fmt"
	"net/http"

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

// find finds out the current state of the resource that a write is about. If it
// cannot, there is a problem, or the handler's own refusal has been passed on:
// the write is never run on a guess.
func (wr *write) find(rec *middleware.Recorder) (f finding, p *problem.Problem, answered bool) {
	if current := wr.l.config.Current; current != nil {
		s, err := current(&wr.room.request)
		if err != nil {
			return f, unavailable(err), false
		}
		f.state = s
		return f, wr.lacksTag(s, "Config.Current gives it none"), false
	}
	if p := unaskable(wr.r); p != nil {
		return f, p, false
	}
	if f.answer, p = wr.ask(question(wr.r)); p != nil {
		return f, p, false
	}
	p, answered = wr.read(&f, rec)
	if p != nil || answered {
		f.free()
	}
	return f, p, answered
}

// read takes the state from the handler's answer to the question.
func (wr *write) read(f *finding, rec *middleware.Recorder) (p *problem.Problem, answered bool) {
	switch status := f.answer.Status(); {
	case isSuccess(status):
		f.state = stateOf(f.answer)
		f.state.Tag = wr.l.tagOf(f.answer)
		return wr.lacksTag(f.state, "its answer to GET has no ETag and is a stream, no representation, or larger than Config.MaxBody"), false
	case status == http.StatusNotFound || status == http.StatusGone:
		return nil, false
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		wr.passOn(rec, f.answer)
		return nil, true
	case status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented:
		return validatorMissing(fmt.Errorf("etag: GET of the resource answers %d; give Config.Current", status)), false
	default:
		return unavailable(fmt.Errorf("etag: GET of the resource answers %d", status)), false
	}
}

// lacksTag refuses a list of tags that there is no tag to compare with. A
// reader got none either, so the list cannot be right; but 412 would send the
// client for a newer one that it will never get.
func (wr *write) lacksTag(s State, why string) *problem.Problem {
	if !s.Exists || s.Tag != (Tag{}) || !wr.preconditions.needsTag() {
		return nil
	}
	return validatorMissing(errors.New("etag: the resource has no entity tag: " + why))
}

// passOn answers as the handler answered the question: whoever may not read the
// resource is not told by a precondition what it is.
func (wr *write) passOn(rec, answer *middleware.Recorder) {
	fields := rec.Fields()
	for name, values := range answer.Fields() {
		fields[name] = values
	}
	if !answer.Buffered() {
		delete(fields, "Content-Length") // what there is of the body is not all
	}
	middleware.MarkRefused(rec)
	rec.WriteHeader(answer.Status())
	_, _ = rec.Write(answer.Bytes())
	wr.l.observe(wr.r, wr.resource, middleware.Event{Kind: middleware.EventRefused, Status: answer.Status()})
}
