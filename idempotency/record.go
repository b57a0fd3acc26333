package idempotency

import (
	"context"
	"errors"
	"net/http"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/store/lease"
)

// conclude makes what the handler has answered the outcome of its key.
func (q *request) conclude() {
	stage, by, err := q.run.attempt.ended()
	switch stage {
	case plain:
		q.settle(q.disposition())
	case rolledBack:
		q.settle(orFree(q.disposition()))
	case open, undone:
		// Open: something between here and Run has answered in its place. Once
		// the claim is gone the transaction cannot commit.
		q.free(err)
	case committed:
		q.observe(middleware.Event{Kind: middleware.EventPassed})
	case ambiguous:
		q.observe(middleware.Event{Kind: middleware.EventUnknown})
	case undecided:
		q.observe(middleware.Event{Kind: middleware.EventFailed, Err: err})
	case superseded:
		q.yield(*by, err)
	case escaped:
		q.settleUnknown(err)
	}
}

// concludePanic is conclude for a handler that did not return. Whatever it has
// done in a transaction that was not committed was taken back.
func (q *request) concludePanic() {
	stage, _, err := q.run.attempt.ended()
	switch stage {
	case plain, escaped:
		q.settleUnknown(errors.Join(errNoReturn, err))
	case open, undone, rolledBack:
		q.free(errNoReturn)
	case committed, ambiguous, undecided, superseded:
		q.observe(middleware.Event{Kind: middleware.EventFailed, Err: errors.Join(errNoReturn, err)})
	}
}

// orFree is d of an answer whose effects were rolled back: nobody has to guess
// what was done.
func orFree(d Disposition) Disposition {
	if d == Unknown {
		return Free
	}
	return d
}

// disposition is what becomes of the key.
func (q *request) disposition() Disposition {
	switch {
	case q.rec.Refused(), q.run.attempt.freed.Load():
		return Free
	case q.rec.Hijacked():
		return Unknown
	}
	return q.l.config.Keep(q.rec.Status(), q.fields())
}

func (q *request) settle(d Disposition) {
	switch d {
	case Free:
		q.free(nil)
	case Keep:
		q.keep()
	case Unknown:
		q.settleUnknown(nil)
	default: // a Keep function that makes up dispositions: assume the worst
		q.settleUnknown(nil)
	}
}

// keep records the answer. If it cannot be recorded the claim stays, and
// protects.
func (q *request) keep() {
	n, body := q.run.encode(q.run.noteRoom[:], kept, q.answer())
	standing, err := q.run.attempt.lease.Settle(q.r.Context(), n, body, q.l.config.TTL)
	q.settled(standing, err, middleware.Event{Kind: middleware.EventPassed})
}

// settleUnknown records that the handler ran and nobody knows how that ended.
func (q *request) settleUnknown(cause error) {
	n, body := q.run.encode(nil, unknown, answer{})
	standing, err := q.run.attempt.lease.Settle(q.r.Context(), n, body, q.l.config.TTL)
	q.settled(standing, err, middleware.Event{Kind: middleware.EventUnknown, Err: cause})
	if err == nil {
		q.forget(q.l.unknowns.add(q.key, standing.Record.Version))
	}
}

// settled reports how recording went.
func (q *request) settled(standing lease.Standing, err error, e middleware.Event) {
	switch {
	case err == nil:
		q.observe(e)
	case errors.Is(err, lease.ErrLost):
		q.yield(standing, err)
	default:
		q.observe(middleware.Event{Kind: middleware.EventFailed, Err: errors.Join(err, e.Err)})
	}
}

// free makes the key as good as new.
func (q *request) free(cause error) {
	err := q.run.attempt.lease.Release(q.r.Context())
	e := middleware.Event{Kind: middleware.EventPassed, Err: cause}
	switch {
	case errors.Is(err, lease.ErrTakenOver):
		q.yield(q.successor(), errors.Join(err, cause))
		return
	case errors.Is(err, lease.ErrLost): // and nobody had come in
		e.Kind, e.Err = middleware.EventLost, errors.Join(err, cause)
	case err != nil || cause != nil:
		e.Kind, e.Err = middleware.EventFailed, errors.Join(err, cause)
	}
	q.observe(e)
}

// successor is the record of whoever has taken the key over, if anybody has.
// Who records an outcome learns it from that; who releases a key has to ask.
func (q *request) successor() lease.Standing {
	ctx, cancel := q.own()
	defer cancel()
	r, _, err := q.l.config.Store.Get(ctx, q.key)
	if err != nil {
		return lease.Standing{}
	}
	s, _ := q.l.keeper.Read(r) // what cannot be read, yield cannot either
	return s
}

// own is a context for a call of the store that must be made whether or not
// the client still waits, and must not keep it waiting for ever.
func (q *request) own() (context.Context, context.CancelFunc) {
	return context.WithTimeout(q.detached(), lease.DefaultCallTimeout)
}

// answer is an answer as it is to be recorded.
type answer struct {
	status int
	fields http.Header
	body   []byte
	whole  bool // body is all of it
}

// answer is the one that Claim sees.
func (q *request) answer() answer {
	rec := q.rec
	body, whole := rec.Retained()
	return answer{rec.Status(), q.fields(), body, whole && int64(len(body)) <= q.l.config.MaxResponseBody}
}

// encode returns what becomes of the request as it is recorded, the note in room
// if that is large enough. Run brings none: what stands between it and Claim can
// have left it to another goroutine, and the run's own room to Claim.
func (u *run) encode(room []byte, s state, a answer) (head, body []byte) {
	n := u.note(s, u.started)
	if s == unknown {
		return u.l.codec.outcome(room, u.key, n, nil, nil)
	}
	n.status = a.status
	if to := a.fields["Location"]; len(to) > 0 {
		n.location = to[0]
	}
	if !a.whole {
		n.state = notRetained
		return u.l.codec.outcome(room, u.key, n, nil, nil)
	}
	var fields [16]field
	return u.l.codec.outcome(room, u.key, n, u.recorded(fields[:0], a.fields), a.body)
}

// yield gives the answer of whoever took the key over, so that one operation
// does not have two. An answer that was sent already stays what it is, and so
// does one that nobody has superseded: the record has expired, or an operator
// has freed the key, for another request even.
func (q *request) yield(by lease.Standing, err error) {
	q.observe(middleware.Event{Kind: middleware.EventLost, Err: err})
	n, unreadable := q.l.read(q.key, &by)
	verdict := q.l.policy.judge(q.fingerprint, &by, &n)
	if !q.rec.Buffered() || unreadable == nil && (verdict == free || verdict == reused) {
		return
	}
	q.rec.Replace(func(w http.ResponseWriter) {
		q.run.restore(w.Header())
		p := takenOver()
		switch {
		case unreadable != nil:
			p = recordUnreadable(unreadable)
		case verdict == replayed:
			p = q.replayTo(w, &by, &n)
		case verdict == gone:
			p = q.notRetained(&n)
		case verdict == unsettled:
			p = outcomeUnknown(n.started)
		}
		if p != nil {
			q.l.config.Respond(w, q.r, p)
		}
	})
}

// forget frees the key of an unknown outcome that has to make room.
func (q *request) forget(u unknownOutcome, found bool) {
	if !found {
		return
	}
	ctx, cancel := q.own()
	defer cancel()
	deleted, err := q.l.config.Store.Delete(ctx, u.key, u.version)
	if deleted || err != nil {
		q.l.observe(q.r, middleware.Event{Kind: middleware.EventForgotten, Key: reference(u.key), Err: err})
	}
}
