package etag

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/store/lease"
)

// write is one request that is judged before its handler may run.
type write struct {
	l             *Layer
	next          http.Handler
	r             *http.Request
	preconditions Preconditions
	required      bool
	body          *middleware.Body
	wait          time.Duration
	pass          *lease.Lease  // nil without a gate
	check         *checked      // what the handler is told
	inner         *http.Request // what the handler gets
}

// write refuses what can be refused without the gate, reads the body, and
// answers once the gate is open again: so that neither a client that sends
// slowly nor one that reads slowly holds others up.
func (l *Layer) write(w http.ResponseWriter, r *http.Request, next http.Handler) {
	p := l.parse(r.Header)
	if err := p.malformedFor(r.Method); err != nil {
		l.refuse(w, r, malformed(err))
		return
	}
	required := l.requires(r)
	if required && !l.satisfies(p) {
		l.refuse(w, r, l.preconditionRequired())
		return
	}
	wr := write{l: l, next: next, r: r, preconditions: p, required: required}
	gated := l.gated(r.Method, p)
	if gated || l.tagsAfter(r.Method) {
		body, err := middleware.ReadBody(r, l.config.MaxBody)
		if err != nil {
			l.refuse(w, r, tooLarge(l.config.MaxBody))
			return
		}
		if body != nil && r.Body != body {
			defer body.Free()
		}
		wr.body = body
	}
	rec, owned := middleware.Record(w)
	rec.Enter(holdBack(gated || l.tagsAfter(r.Method)), l.config.MaxBody)
	if gated {
		wr.throughGate(rec)
	} else {
		wr.judgeAndRun(r.Context(), rec)
	}
	rec.Leave()
	if owned {
		rec.Finish()
	}
}

// gated reports whether a write passes the gate of its resource.
func (l *Layer) gated(method string, p Preconditions) bool {
	switch l.config.Gate {
	case GateAll:
		return kindOf(method) == replacing || p.hasAny(method)
	case GateConditional:
		return p.hasAny(method)
	case GateNone:
	}
	return false
}

// satisfies reports whether a request carries what Require asks for.
func (l *Layer) satisfies(p Preconditions) bool {
	return p.hasIfMatch() || p.noneMatchAny() || l.config.AllowDates && p.hasUnmodifiedSince()
}

// holdBack, if true, keeps an answer until the gate is open again.
type holdBack bool

// Decide implements [middleware.Stage].
func (h holdBack) Decide(*middleware.Recorder, middleware.Decision) middleware.Decision {
	if h {
		return middleware.Buffer
	}
	return middleware.Pass
}

// throughGate holds the gate from the check to the end of the handler, also
// if that panics.
func (wr *write) throughGate(rec *middleware.Recorder) {
	l, r := wr.l, wr.r
	began := l.now()
	pass, err := l.gate.Enter(r.Context(), l.config.Resource(r))
	wr.wait = l.since(began)
	if err != nil {
		l.refuse(rec, r, gateClosed(err))
		return
	}
	defer wr.leaveGate()
	wr.pass = pass
	wr.judgeAndRun(pass, rec)
}

func (wr *write) leaveGate() {
	err := wr.pass.Release(wr.r.Context())
	switch {
	case errors.Is(err, lease.ErrLost):
		wr.l.observe(wr.r, middleware.Event{Kind: middleware.EventLost, Err: err})
	case err != nil: // it opens by itself when the lease ends
		wr.l.observe(wr.r, middleware.Event{Kind: middleware.EventFailed, Err: err})
	}
}

// judgeAndRun runs the handler if no precondition stands against it.
func (wr *write) judgeAndRun(ctx context.Context, rec *middleware.Recorder) {
	wr.prepare(ctx)
	if !wr.judge(rec) {
		return
	}
	l := wr.l
	if wr.pass != nil && wr.pass.Err() != nil { // the check took too long
		l.refuse(rec, wr.r, gateClosed(context.Cause(wr.pass)))
		return
	}
	began := l.now()
	wr.next.ServeHTTP(rec, wr.inner)
	rec.Settle()
	wr.tagAnswer(rec)
	l.observe(wr.r, middleware.Event{
		Kind: middleware.EventPassed, Status: rec.Status(), Wait: wr.wait, Run: l.since(began),
	})
}

// prepare makes what the handler gets: the same request, with the body that
// was read, and a context that carries the check and ends with the lease.
func (wr *write) prepare(ctx context.Context) {
	wr.check = &checked{ctx, wr.l, Check{Preconditions: wr.preconditions}}
	if wr.pass != nil {
		wr.check.check.Token = wr.pass.Token()
	}
	wr.inner = wr.r.WithContext(wr.check)
	if wr.body != nil {
		wr.inner.Body = wr.body
	}
}

// judge finds out the current state and judges the preconditions by it. False:
// the request has been answered.
func (wr *write) judge(rec *middleware.Recorder) bool {
	if !wr.preconditions.hasAny(wr.r.Method) {
		return true
	}
	found, ok := wr.find(rec)
	if !ok {
		return false
	}
	defer found.free()
	state := found.state
	wr.check.check.State = state
	if wr.undecidedByDate(state) {
		wr.l.refuse(rec, wr.r, wr.l.preconditionRequired())
		return false
	}
	result := wr.preconditions.Evaluate(wr.r.Method, state)
	if result.Verdict == Proceed {
		return true
	}
	p := wr.l.mismatch(result.Field, state)
	wr.addCurrent(p, found)
	wr.l.refuse(rec, wr.r, p)
	return false
}

// undecidedByDate reports whether a date was to satisfy Require, and the
// resource has none to compare it with. The RFC has it ignored then, which
// would let the write through unchecked.
func (wr *write) undecidedByDate(s State) bool {
	p := wr.preconditions
	return wr.required && !p.hasIfMatch() && !p.noneMatchAny() &&
		(!s.Exists || s.LastModified.IsZero())
}

// now and since cost nothing when nobody observes.
func (l *Layer) now() time.Time {
	if l.config.Observer == nil {
		return time.Time{}
	}
	return time.Now()
}

func (l *Layer) since(began time.Time) time.Duration {
	if began.IsZero() {
		return 0
	}
	return time.Since(began)
}
