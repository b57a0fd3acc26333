package idempotency

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/lease"
)

// request is one keyed request, from its key to its answer. It lives on the
// stack of its goroutine: what a handler may hold is in its run.
type request struct {
	identity
	next http.Handler
	w    http.ResponseWriter
	r    *http.Request
	body *middleware.Body

	waited bool
	wait   time.Duration // for how long, if somebody observes
	took   time.Duration // by the handler, if somebody observes

	run    *run // nil until the key is to be claimed
	rec    *middleware.Recorder
	cancel context.CancelFunc // of what the lease descends from; nil: nothing
}

// identity is what tells a request from others.
type identity struct {
	l           *Layer
	key         string // of the store
	fingerprint fingerprint
}

// note is what the record says of the request, which was started so many
// milliseconds after 1970, in a given state.
func (i *identity) note(s state, started int64) note {
	return note{state: s, fingerprint: i.fingerprint, started: time.UnixMilli(started)}
}

// keyed serves a request that carries a key. Precedence: the key, whom the
// request acts for, its body, what the key stands for, and then its record.
func (l *Layer) keyed(w http.ResponseWriter, r *http.Request, next http.Handler, lines []string) {
	q := request{identity: identity{l: l}, next: next, w: w, r: r}
	p := q.identify(lines)
	if l.config.Transactional && !l.hasRun.Load() {
		p = withoutTransaction()
	}
	if p == nil && l.under(r.Context(), q.key) != nil {
		next.ServeHTTP(w, r)
		return
	}
	if p == nil {
		p = q.readBody()
		defer q.freeBody()
	}
	if p == nil {
		p = q.serve()
	}
	if p != nil {
		q.refuse(p)
	}
}

// identify finds out under which key of the store the request runs.
func (q *request) identify(lines []string) *problem.Problem {
	key, err := parseKey(lines, q.l.config.Strict)
	if err != nil {
		return keyInvalid(q.l.config.Header, err)
	}
	principal, err := q.l.config.Principal(q.r)
	if err == nil && principal == "" {
		err = errNoPrincipal
	}
	if err != nil {
		return principalUnknown(err)
	}
	q.key = q.l.scope.storageKey(principal, key)
	return nil
}

// errNoPrincipal is for a Principal that says nothing where it knows nothing, and
// so would make one caller of all that it does not know.
var errNoPrincipal = fmt.Errorf("%w: an empty principal", middleware.ErrPrincipalUnknown)

// readBody reads the body whole. One that breaks off belongs to a client that
// is gone or lies: its fingerprint would bar the whole one that is sent next.
func (q *request) readBody() *problem.Problem {
	limit := q.l.config.MaxRequestBody
	body, err := middleware.ReadBody(q.r, limit)
	if err == nil {
		q.body, err = body, body.Err()
	}
	if err == nil {
		err = q.takeFingerprint(body.Bytes(), limit)
	}
	if err != nil {
		return bodyUnreadable(err)
	}
	return nil
}

// bodyUnreadable says why the body is not there to be fingerprinted.
func bodyUnreadable(err error) *problem.Problem {
	tooLarge := (*http.MaxBytesError)(nil)
	switch {
	case errors.As(err, &tooLarge):
		return bodyTooLarge(tooLarge.Limit)
	case errors.Is(err, errReadOutside):
		return bodyReadOutside(err)
	}
	return bodyBrokenOff(err)
}

func (q *request) takeFingerprint(body []byte, limit int64) (err error) {
	custom := q.l.config.Fingerprint
	switch {
	case custom == nil && wasParsed(q.r, body):
		q.fingerprint, err = formFingerprint(q.r, limit)
		return err
	case len(body) == 0 && q.r.ContentLength > 0 && !wasParsed(q.r, body):
		return errReadOutside
	}
	q.fingerprint = fingerprintOf(q.r, body, custom)
	return nil
}

// freeBody leaves a body that an outer layer has read to that.
func (q *request) freeBody() {
	if q.body != nil && q.r.Body != q.body {
		q.body.Free()
	}
}

// maxRounds bounds how often a request goes after a record that is another one
// whenever it is looked at.
const maxRounds = 8

// serve claims the key and runs the handler, or replays what stands under it,
// or returns the problem that stands in the way.
func (q *request) serve() *problem.Problem {
	held, standing, err := q.begin()
	for range maxRounds {
		switch {
		case err != nil:
			return q.unclaimed(err)
		case held != nil:
			return q.execute(held)
		}
		n, unreadable := q.l.read(q.key, &standing)
		if unreadable != nil {
			return recordUnreadable(unreadable)
		}
		switch q.l.policy.judge(q.fingerprint, &standing, &n) {
		case reused:
			return keyReused(q.l.config.Header)
		case replayed:
			return q.replay(&standing, &n)
		case gone:
			return q.notRetained(&n)
		case unsettled:
			return outcomeUnknown(n.started)
		case free:
			held, standing, err = q.claim()
		case orphaned:
			held, standing, err = q.takeOver(standing)
		case inFlight:
			if q.waited || q.l.config.Wait == 0 {
				return requestInFlight(q.l.policy.untilRetry(standing))
			}
			held, standing, err = q.await()
		}
	}
	if held != nil {
		return q.execute(held)
	}
	return requestInFlight(0)
}

// unclaimed is what happens when nobody can say whether the key is free.
func (q *request) unclaimed(err error) *problem.Problem {
	switch {
	case errors.Is(err, lease.ErrCorrupt):
		return recordUnreadable(err)
	case !q.l.config.DangerouslyFailOpen || errors.Is(err, store.ErrFull) || q.r.Context().Err() != nil:
		return storeUnavailable(err)
	}
	q.l.observe(q.r, middleware.Event{Kind: middleware.EventFailed, Key: q.l.reference(q.key), Wait: q.wait, Err: err})
	inner := q.inner(q.r.Context())
	q.next.ServeHTTP(q.w, inner)
	middleware.GiveBack(q.r, inner)
	return nil
}

// inner is the request as the handler gets it: with the body that was read.
func (q *request) inner(ctx context.Context) *http.Request {
	inner := q.r.WithContext(ctx)
	if q.body != nil {
		inner.Body = q.body
	}
	return inner
}
