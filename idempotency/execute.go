package idempotency

import (
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store/lease"
)

// run is what a request has when its handler is to run and that the handler, or
// a goroutine that it leaves behind, can reach: kept in one piece, so that it
// costs one allocation, and never used again. Nothing else is in it, since each
// byte costs each request some time. The rooms of odd sizes are last, so that
// they share one gap: it has 696 bytes, the most that are allocated as 704.
type run struct {
	identity
	started int64       // in milliseconds since 1970
	before  http.Header // the fields that were there before the layer
	passed  http.Header // the fields of an answer that was sent on before its end; nil: it was not

	attempt   Attempt
	leaseRoom lease.Lease                          // for the claim
	recorder  middleware.Recorder                  // for the answer
	headRoom  [lease.HeadSize + claimNoteSize]byte // for the claim's head
	noteRoom  [outcomeNoteSize]byte                // for the note of the outcome
}

// execute runs the handler under its claim, and answers when the outcome is
// recorded.
func (q *request) execute(held *lease.Lease) *problem.Problem {
	u := q.run
	u.attempt.run, u.attempt.lease = u, held
	if fields := q.w.Header(); len(fields) > 0 {
		u.before = maps.Clone(fields)
	}
	rec, owned := middleware.RecordIn(q.w, &u.recorder)
	q.rec = rec
	rec.Retain(q.l.config.MaxResponseBody)
	rec.Enter(u, q.l.config.MaxResponseBody)
	if q.cancel != nil {
		defer q.cancel()
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
	inner := q.inner((*running)(&q.run.attempt))
	began := middleware.Began(q.l.config.Observer)
	returned := false
	defer func() {
		q.took = middleware.Took(began)
		if !returned {
			q.concludePanic()
		}
	}()
	q.next.ServeHTTP(q.rec, inner)
	returned = true
	middleware.GiveBack(q.r, inner)
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
func (q *request) fields() http.Header {
	if q.run.passed != nil {
		return q.run.passed
	}
	return q.rec.Fields()
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
