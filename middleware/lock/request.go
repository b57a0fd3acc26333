package lock

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store/lease"
)

// request is one unsafe request of a resource that can be locked, with what it
// needs on its way to the handler, in one allocation.
type request struct {
	l        *Layer
	r        *http.Request
	next     http.Handler
	resource string
	key      string // of its lock

	does       action
	claim      claim
	presented  *token // in claim, if the request has one
	identified bool   // claim.owner is known
	ttl        time.Duration

	body     *middleware.Body
	wait     time.Duration
	pass     *lease.Lease
	holdBack bool // the answer, until the gate is open again
	lock     *standing

	// Room for what would else be allocated.
	holding  holding
	recorder middleware.Recorder
	lease    lease.Lease
	inner    http.Request
}

// action is what a request is to do, as far as locks are concerned.
type action uint8

const (
	writes action = iota
	acquires
	renews
	releases
)

// serve refuses what can be refused without the gate, reads the body, and
// answers once the gate is open again: so that neither a client that sends
// slowly nor one that reads slowly holds others up.
func (l *Layer) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	q := &request{l: l, r: r, next: next}
	q.resource = l.config.Resource(r) // once: handlers change the path under it
	q.key = l.storageKey(q.resource)
	p := q.read()
	if p == nil && q.does == writes {
		p = q.readBody()
		defer q.freeBody()
	}
	if p != nil {
		q.refuse(w, p)
		return
	}
	rec, owned := middleware.RecordIn(w, &q.recorder)
	rec.Enter(q, l.config.MaxBody)
	switch p := q.perform(rec); {
	case p != nil:
		q.refuse(rec, p)
	case q.does != writes:
		q.answer(rec)
	}
	rec.Leave()
	if owned {
		rec.Finish()
	}
}

// Decide implements [middleware.Stage].
func (q *request) Decide(*middleware.Recorder, middleware.Decision) middleware.Decision {
	if q.holdBack {
		return middleware.Buffer
	}
	return middleware.Pass
}

// readBody reads the body before the gate is taken, unless whoever stands
// outside has.
func (q *request) readBody() *problem.Problem {
	if _, done := q.r.Body.(*middleware.Body); done {
		return nil
	}
	body, err := middleware.ReadBody(q.r, q.l.config.MaxBody)
	if err != nil {
		return bodyTooLarge(q.l.config.MaxBody)
	}
	q.body = body
	return nil
}

func (q *request) freeBody() { q.body.Free() }

// perform does what the request is for, inside the gate if that matters.
func (q *request) perform(rec *middleware.Recorder) *problem.Problem {
	switch q.does {
	case writes, acquires:
		return q.throughGate(rec)
	case renews, releases:
	}
	return q.besideGate()
}

// besideGate renews or ends a lock without waiting at the gate: a client that
// keeps its lock alive would lose it behind a slow write of its own. Both are a
// compare-and-set of the record alone, and whoever they let in still passes the
// gate. A write that was admitted under a lock goes on after UNLOCK, and whatever
// comes next, another's LOCK included, waits until it has ended.
func (q *request) besideGate() (p *problem.Problem) {
	within, cancel := context.WithTimeout(q.r.Context(), callTimeout)
	defer cancel()
	if q.does == renews {
		q.lock, p = q.l.renew(within, q.key, q.claim, q.ttl)
	} else {
		q.lock, p = q.l.release(within, q.key, q.claim)
	}
	return p
}

// throughGate holds the gate until what is to be done is done, also if that
// panics. A gate that somebody further out holds is theirs to open, and so is it
// to hold the answer back meanwhile.
func (q *request) throughGate(rec *middleware.Recorder) *problem.Problem {
	began := middleware.Began(q.l.config.Observer)
	pass, err := q.l.gate.EnterIn(q.r.Context(), q.resource, &q.lease)
	q.wait = middleware.Took(began)
	if err != nil {
		return gateClosed(err)
	}
	q.pass, q.holdBack = pass, !pass.Borrowed()
	defer q.leaveGate()
	if q.does == writes {
		return q.write(rec)
	}
	var p *problem.Problem
	q.lock, p = q.l.acquire(pass, q.key, q.claim, q.ttl)
	return p
}

func (q *request) leaveGate() { q.l.leave(q.r.Context(), q.r.Method, q.resource, q.pass) }

// leave leaves the gate, which opens by itself if that fails.
func (l *Layer) leave(ctx context.Context, method, resource string, pass *lease.Lease) {
	err := pass.Release(ctx)
	switch {
	case errors.Is(err, lease.ErrLost):
		l.observe(ctx, method, resource, middleware.Event{Kind: middleware.EventLost, Err: err})
	case err != nil:
		l.observe(ctx, method, resource, middleware.Event{Kind: middleware.EventFailed, Err: err})
	}
}

// refuse answers with p in place of the handler.
func (q *request) refuse(w http.ResponseWriter, p *problem.Problem) {
	middleware.Refuse(w, q.r, q.l.config.Respond, p)
	q.l.observeRefusal(q.r.Context(), q.r.Method, q.resource, p, q.wait)
}

// observeRefusal tells the observer that p was the answer.
func (l *Layer) observeRefusal(ctx context.Context, method, resource string, p *problem.Problem, wait time.Duration) {
	e := middleware.Refusal(p)
	e.Wait = wait
	switch p.Kind {
	case problem.KindStoreUnavailable, problem.KindPrincipalUnknown:
		if ctx.Err() == nil { // else nobody waits any more, which is no failure of the server
			e.Kind = middleware.EventFailed
		}
	case problem.KindLocked:
		e.Holder, _ = p.Extensions["holder"].(string)
	}
	l.observe(ctx, method, resource, e)
}
