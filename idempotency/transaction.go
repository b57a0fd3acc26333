package idempotency

import (
	"errors"
	"net/http"
	"slices"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/lease"
)

// Run is the innermost part of the layer, next to the handler and inside the
// gate. Unless Config.Transactional it does nothing.
//
// With it, each keyed request has a transaction of the store, which the handler
// takes from its context. An answer of 2xx or 3xx commits the outcome together
// with what the handler wrote, and nothing of it is sent before: a flush sends
// nothing, a hijack is refused, and an answer over MaxResponseBody is rolled
// back. Any other answer rolls everything back, and so does a panic. Nothing can
// be added to the answer after next has returned. Requests without a key have
// no transaction.
func (l *Layer) Run(next http.Handler) http.Handler {
	if !l.config.Transactional {
		return next
	}
	l.hasRun.Store(true)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := l.attemptOf(w, r)
		if a == nil || !a.enter() {
			next.ServeHTTP(w, r)
			return
		}
		t := &transaction{l: l, a: a, next: next, r: r}
		t.serve(w)
	})
}

// attemptOf returns the attempt whose handler is to answer r in a transaction,
// or nil. A question that a layer asks on the way, such as for the validator of
// the resource, is part of the attempt and not what it was made for.
func (l *Layer) attemptOf(w http.ResponseWriter, r *http.Request) *Attempt {
	a, ok := FromContext(r.Context())
	if !ok || a.run.l.config.Store != l.config.Store ||
		middleware.Find(w).Probe() || !slices.Contains(l.config.Methods, r.Method) {
		return nil
	}
	return a
}

// transaction is one that a handler runs in.
type transaction struct {
	l    *Layer
	a    *Attempt
	next http.Handler
	r    *http.Request
	tx   store.Tx
	rec  *middleware.Recorder
	done stage // what it is once it has committed
}

func (t *transaction) serve(w http.ResponseWriter) {
	tx, err := t.l.beginner.Begin(t.r.Context())
	if err != nil {
		t.a.end(undone, err)
		middleware.Refuse(w, t.r, t.l.config.Respond, rolledBackFor(err))
		return
	}
	t.tx = tx
	rec, owned := middleware.Record(w)
	t.rec = rec
	rec.HoldFirmly()
	rec.Enter(heldBack{}, t.l.config.MaxResponseBody)
	defer t.rollbackIfOpen() // the handler, or a function of the server's own, has panicked
	t.run()
	rec.Leave()
	rec.Close() // what commits is what is sent
	t.finish()
	if owned {
		rec.Finish()
	}
}

// heldBack keeps an answer until its transaction has committed.
type heldBack struct{}

func (heldBack) Decide(*middleware.Recorder, middleware.Decision) middleware.Decision {
	return middleware.Buffer
}

func (t *transaction) run() {
	inner := t.r.WithContext(t.tx.Context(t.r.Context()))
	t.next.ServeHTTP(t.rec, inner)
	middleware.GiveBack(t.r, inner)
}

// finish commits or rolls back, as the answer says.
func (t *transaction) finish() {
	status := t.rec.Status()
	limit := t.l.config.MaxResponseBody
	switch {
	case t.rec.Overrun() || int64(len(t.rec.Bytes())) > limit:
		t.rollback(undone, nil)
		t.replace(responseTooLarge(limit))
	case t.a.freed.Load() || t.rec.Refused() || status < 200 || status >= 400:
		t.takeBack()
	case t.r.Context().Err() != nil:
		t.giveUp(errors.Join(t.r.Context().Err(), errOverdue))
	default:
		t.commit()
	}
}

var errOverdue = errors.New("idempotency: the transaction took longer than its lease")

// commit makes outcome and effects stand together.
func (t *transaction) commit() {
	standing, err := t.settle()
	switch {
	case errors.Is(err, lease.ErrLost):
		t.a.supersede(standing, errors.Join(err, t.tx.Rollback()))
		t.replace(takenOver())
		return
	case errors.Is(err, store.ErrEnded):
		t.escape(err)
		return
	case err != nil:
		t.giveUp(err)
		return
	}
	if err := t.tx.Commit(); err != nil {
		t.decide(err)
		return
	}
	t.a.end(t.done, nil)
}

// settle writes into the transaction what becomes of the key.
func (t *transaction) settle() (lease.Standing, error) {
	ctx, l := t.r.Context(), t.a.lease
	state := kept
	t.done = committed
	switch t.l.config.Keep(t.rec.Status(), t.rec.Fields()) {
	case Free:
		return lease.Standing{}, l.ReleaseIn(ctx, t.tx)
	case Unknown:
		state, t.done = unknown, ambiguous
	case Keep:
	}
	a := answer{t.rec.Status(), t.rec.Fields(), t.rec.Bytes(), true}
	head, body := t.a.run.encode(nil, state, a)
	return l.SettleIn(ctx, t.tx, head, body, t.l.config.TTL)
}

// decide finds out what an error of Commit means. To read would prove nothing:
// the commit may still be under way. A compare-and-set on the claim leaves it
// one of two ways to end.
func (t *transaction) decide(cause error) {
	standing, stands, err := t.a.lease.Reassert(t.r.Context())
	switch {
	case errors.Is(err, lease.ErrLost):
		t.a.supersede(standing, errors.Join(err, cause))
		t.replace(takenOver())
	case err != nil:
		err = errors.Join(cause, err)
		t.a.end(undecided, err)
		t.replace(commitUnclear(err))
	case stands:
		t.a.end(undone, cause)
		t.replace(rolledBackFor(cause))
	default:
		t.a.end(t.done, nil)
	}
}

// giveUp rolls back what cannot be committed.
func (t *transaction) giveUp(err error) {
	t.rollback(undone, err)
	t.replace(rolledBackFor(err))
}

// escape is for a transaction that the handler has ended by itself. Whether it
// has committed nobody can tell, so it must not run again.
func (t *transaction) escape(err error) {
	t.a.end(escaped, errors.Join(err, t.tx.Rollback()))
	t.replace(endedByHandler(err))
}

// takeBack rolls back because the answer says so. If that fails the connection
// is lost, or never was, and if the time is over its statements were broken off: a
// 5xx is then but the handler's word for it, and to keep that as the outcome would
// leave its client with an error for ever.
func (t *transaction) takeBack() {
	overdue := t.r.Context().Err()
	err := t.tx.Rollback()
	switch {
	case errors.Is(err, store.ErrEnded):
		t.escape(err)
	case (err != nil || overdue != nil) && t.rec.Status() >= 500 && !t.rec.Refused():
		err = errors.Join(err, overdue)
		t.a.end(undone, err)
		t.replace(rolledBackFor(err))
	default:
		t.a.end(rolledBack, err)
	}
}

// rollback takes back what the handler wrote. If that fails there is nothing
// to be done about it: without a commit the database does the same.
func (t *transaction) rollback(s stage, cause error) {
	t.a.end(s, errors.Join(cause, t.tx.Rollback()))
}

// rollbackIfOpen does nothing once it is settled how the transaction ends.
func (t *transaction) rollbackIfOpen() {
	if stage, _, _ := t.a.ended(); stage == open {
		t.rollback(undone, errNoReturn)
	}
}

// replace answers with p instead of what the handler said.
func (t *transaction) replace(p *problem.Problem) {
	t.rec.Replace(func(w http.ResponseWriter) { middleware.Refuse(w, t.r, t.l.config.Respond, p) })
}
