package idempotency

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store/lease"
)

// run is what a request has when its handler is to run: kept in one piece, so
// that it costs one allocation.
type run struct {
	leaseRoom lease.Lease                          // for the claim
	headRoom  [lease.HeadSize + claimNoteSize]byte // for the claim's head
	roomUsed  bool                                 // both were used
	noteRoom  [120]byte                            // for the note of the outcome
	attempt   Attempt
	context   running
	recorder  middleware.Recorder // room for rec
	rec       *middleware.Recorder
	cancel    context.CancelFunc // of what the lease descends from; nil: nothing

	started int64         // in milliseconds since 1970
	took    time.Duration // if somebody observes
	before  http.Header   // the fields that were there before the layer
	passed  http.Header   // the fields of an answer that was sent on before its end; nil: it was not
}

// execute runs the handler under its claim, and answers when the outcome is
// recorded.
func (q *request) execute(held *lease.Lease) *problem.Problem {
	u := q.run
	u.attempt.request, u.attempt.lease = q, held
	u.context = running{held, &u.attempt}
	if fields := q.w.Header(); len(fields) > 0 {
		u.before = maps.Clone(fields)
	}
	rec, owned := middleware.RecordIn(q.w, &u.recorder)
	u.rec = rec
	rec.Retain(q.l.config.MaxResponseBody)
	rec.Enter(u, q.l.config.MaxResponseBody)
	if u.cancel != nil {
		defer u.cancel()
	}
	// Does nothing unless code of the server's own panics on the way, a Keep
	// function, say: the claim then stays, and is not renewed.
	defer held.Abandon(q.r.Context())
	q.runHandler()
	rec.Leave()
	rec.Close() // what is recorded is what is sent
	q.conclude()
	if owned {
		rec.Finish()
	}
	return nil
}

var errNoReturn = errors.New("idempotency: the handler did not return: a panic, or runtime.Goexit")

// runHandler runs the handler. If it does not return, how it ended is recorded
// while its panic goes on.
func (q *request) runHandler() {
	u := q.run
	inner := q.inner(&u.context)
	began := middleware.Began(q.l.config.Observer)
	returned := false
	defer func() {
		u.took = middleware.Took(began)
		if !returned {
			q.concludePanic()
		}
	}()
	q.next.ServeHTTP(u.rec, inner)
	returned = true
	q.r.Pattern = inner.Pattern // for what is outside, such as a metric by route
}

// Decide implements [middleware.Stage]: the outcome is recorded before the
// answer goes out.
func (*run) Decide(*middleware.Recorder, middleware.Decision) middleware.Decision {
	return middleware.Buffer
}

// Passing implements [middleware.Passer]. The fields are copied, since the
// handler can change them once they have been sent.
func (u *run) Passing(_ int, fields http.Header) { u.passed = maps.Clone(fields) }

// fields are those of the answer.
func (u *run) fields() http.Header {
	if u.passed != nil {
		return u.passed
	}
	return u.rec.Fields()
}

// recorded appends those of the fields of an answer that are the handler's own
// and may be replayed. What was there before is set again by whoever set it.
func (u *run) recorded(to []field, all http.Header) []field {
	for name, values := range all {
		if replayable(name, all) && !(u.before != nil && slices.Equal(u.before[name], values)) {
			to = append(to, field{name, values})
		}
	}
	return to
}

// restore gives the answer the fields that it had before the layer.
func (u *run) restore(fields http.Header) {
	clear(fields)
	maps.Copy(fields, u.before)
}
