package etag

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

// maxFields is how many fields of different names a request with preconditions
// may have, since all of them are asked with again.
const maxFields = 128

// question makes the GET of a write's target that is asked on the client's
// behalf, with everything that could choose the representation or say who asks.
// It shares nothing with the write that a handler could change.
func question(r *http.Request) *http.Request {
	bare := r.WithContext(r.Context())
	bare.Header = nil // copied below, without what a copy of hostile fields costs
	q := bare.Clone(r.Context())
	q.Method = http.MethodGet
	q.Body, q.GetBody, q.ContentLength = http.NoBody, nil, 0
	q.TransferEncoding, q.Trailer = nil, nil
	q.Form, q.PostForm, q.MultipartForm = nil, nil, nil
	q.Header = copyFields(r.Header)
	middleware.DeleteHopByHop(q.Header)
	for name := range q.Header {
		if concernsTheWrite(name) {
			delete(q.Header, name)
		}
	}
	q.Header["Cache-Control"] = []string{"no-cache"} // a stored answer may be older than the last write
	return q
}

// copyFields copies the map. Values are shared, and cannot be appended to.
func copyFields(h http.Header) http.Header {
	c := make(http.Header, len(h))
	for name, lines := range h {
		c[name] = slices.Clip(lines)
	}
	return c
}

// concernsTheWrite reports whether a field of a write says nothing about the
// representation that a GET would select, or would make it a write again.
func concernsTheWrite(name string) bool {
	switch name {
	case "Range", "Expect", "Prefer", "Pragma", "Idempotency-Key", "Lock-Token",
		"X-Http-Method", "X-Http-Method-Override", "X-Method-Override":
		return true
	}
	return strings.HasPrefix(name, "If-") || strings.HasPrefix(name, "Content-")
}

// ask runs the handler with q, and returns its answer, of which at most MaxBody
// bytes are held. Once there are more the handler is told to stop, and may
// panic with [http.ErrAbortHandler] to say that its answer is not whole, which
// is known here. There is no answer, but a problem, if the handler cannot be
// asked.
func (wr *write) ask(q *http.Request) (answer *middleware.Recorder, p *problem.Problem) {
	ctx, stop := stoppable(wr.room.request.Context())
	defer stop()
	asked := &asking{Context: ctx, stop: stop}
	answer = middleware.Ask(wr.l.config.MaxBody, stop)
	wr.askIn(asked, answer, q)
	if asked.router.Load() {
		answer.Finish()
		return nil, insideRouter("is registered on a router")
	}
	return answer, nil
}

func (wr *write) askIn(ctx *asking, answer *middleware.Recorder, q *http.Request) {
	defer answer.Leave()
	defer endedByStop(ctx)
	wr.next.ServeHTTP(answer, q.WithContext(ctx))
}

// errEnough is why the layer ends a handler whose further answer nobody wants.
var errEnough = errors.New("etag: enough of the answer has been seen")

// stoppable is a context that the layer ends with errEnough.
func stoppable(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	return ctx, func() { cancel(errEnough) }
}

// endedByStop, deferred, recovers from a handler that aborts its answer because
// the layer has stopped it, and for no other reason.
func endedByStop(ctx context.Context) {
	if context.Cause(ctx) != errEnough { //nolint:errorlint // the very value
		return // as it came
	}
	if v := recover(); v != nil && v != http.ErrAbortHandler { //nolint:errorlint // a panic's value, compared as net/http does
		panic(v)
	}
}
