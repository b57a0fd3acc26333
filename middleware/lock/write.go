package lock

import (
	"context"
	"errors"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

// write runs the handler if no lock stands in its way, inside the gate.
func (q *request) write(rec *middleware.Recorder) *problem.Problem {
	s, p := q.l.look(q.pass, q.key)
	switch {
	case p != nil && q.pass.Err() != nil: // it was not the store that failed
		return gateClosed(context.Cause(q.pass))
	case p != nil:
		return p
	}
	if s != nil {
		if p := q.identify(); p != nil {
			return p
		}
	}
	if p := q.l.refusal(judge(s, q.presented, q.claim.owner), s); p != nil {
		return p
	}
	if q.pass.Err() != nil { // the check took too long
		return gateClosed(context.Cause(q.pass))
	}
	q.lock = s
	q.prepare()
	q.run(rec)
	return nil
}

// prepare makes what the handler gets: the same request, with the body that was
// read, and a context that ends with the gate's lease and carries the lock.
func (q *request) prepare() {
	ctx := context.Context(q.pass)
	if q.lock != nil {
		q.holding = holding{ctx, Held{Holder: q.lock.holder, Expires: q.lock.expires, token: q.lock.fence}}
		ctx = &q.holding
	}
	q.inner = *q.r.WithContext(ctx) // a copy as net/http makes it
	if q.body != nil {
		q.inner.Body = q.body
	}
}

var errNoReturn = errors.New("lock: the handler did not return: a panic, or runtime.Goexit")

// run runs the handler, and tells the observer how that went.
func (q *request) run(rec *middleware.Recorder) {
	e := middleware.Event{Kind: middleware.EventFailed, Err: errNoReturn, Wait: q.wait}
	began := middleware.Began(q.l.config.Observer)
	if q.l.config.Observer != nil {
		defer func() {
			e.Run, e.Holder = middleware.Took(began), q.lock.shownHolder()
			q.l.observe(q.r.Context(), q.r.Method, q.resource, e)
		}()
	}
	q.next.ServeHTTP(rec, &q.inner)
	middleware.GiveBack(q.r, &q.inner)
	if q.l.config.Observer != nil {
		rec.Settle()
		e = middleware.Event{Kind: middleware.EventPassed, Status: rec.Status(), Wait: q.wait}
	}
}

// shownHolder is who holds s, nil being nobody.
func (s *standing) shownHolder() string {
	if s == nil {
		return ""
	}
	return s.holder
}
