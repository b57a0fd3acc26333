package etag

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store/lease"
)

// write is one request that is judged before its handler may run.
type write struct {
	l             *Layer
	next          http.Handler
	r             *http.Request
	room          *passage
	check         *Check         // what the handler is told; in room
	preconditions *Preconditions // in check
	required      bool
	resource      string // "" where neither the gate nor an observer needs it
	body          *middleware.Body
	wait          time.Duration
	pass          *lease.Lease // nil without a gate
	passRoom      *lease.Lease // where pass goes
}

// write refuses what can be refused without the gate, reads the body, and
// answers once the gate is open again: so that neither a client that sends
// slowly nor one that reads slowly holds others up.
func (l *Layer) write(w http.ResponseWriter, r *http.Request, next http.Handler) {
	wr := write{l: l, next: next, r: r, required: l.requires(r)}
	wr.makeRoom()
	preconditions := wr.preconditions
	preconditions.parseForWrite(r.Header, &wr.room.ifMatch)
	if l.config.AcceptTransformed {
		preconditions.acceptTransformed()
	}
	gated := l.gated(r, preconditions)
	if gated || l.config.Observer != nil {
		wr.resource = l.config.Resource(r) // once: handlers change the path under it
	}
	p := wr.refusal()
	if p == nil && (gated || l.tagsAfter(r.Method)) {
		p = wr.readBody()
		defer wr.freeBody()
	}
	if p != nil {
		l.refuse(w, r, wr.resource, p)
		return
	}
	rec, owned := middleware.RecordIn(w, &wr.room.recorder)
	rec.Enter(holdBack(gated || l.tagsAfter(r.Method)), l.config.MaxBody)
	if gated {
		p = wr.throughGate(rec)
	} else {
		p = wr.judgeAndRun(r.Context(), rec)
	}
	if p != nil {
		l.refuseAfter(wr.wait, rec, r, wr.resource, p)
	}
	rec.Leave()
	if owned {
		rec.Finish()
	}
}

// makeRoom allocates everything at once.
func (wr *write) makeRoom() {
	if wr.l.gate == nil {
		wr.room = new(passage)
	} else {
		room := new(gatedPassage)
		wr.room, wr.passRoom = &room.passage, &room.lease
	}
	wr.check = &wr.room.check
	wr.preconditions = &wr.check.Preconditions
}

// gated reports whether a write passes the gate of its resource.
func (l *Layer) gated(r *http.Request, p *Preconditions) bool {
	switch l.config.Gate {
	case GateAll:
		return kindOf(r) == replacing || p.hasAny(r.Method)
	case GateConditional:
		return p.hasAny(r.Method)
	case GateNone:
	}
	return false
}

// refusal is what the fields alone refuse the request for, or nil.
func (wr *write) refusal() *problem.Problem {
	p := wr.preconditions
	if err := p.malformedFor(wr.r.Method); err != nil {
		return malformed(err)
	}
	satisfied := p.hasIfMatch() || p.noneMatchAny() || wr.l.config.AllowDates && p.hasUnmodifiedSince()
	switch {
	case wr.required && !satisfied:
		return wr.l.preconditionRequired()
	case len(wr.r.Header) > maxFields && p.hasAny(wr.r.Method):
		return tooManyFields()
	}
	return nil
}

func (wr *write) readBody() *problem.Problem {
	body, err := middleware.ReadBody(wr.r, wr.l.config.MaxBody)
	if err != nil {
		return tooLarge(wr.l.config.MaxBody)
	}
	wr.body = body
	return nil
}

// freeBody leaves a body that an outer layer has read to that.
func (wr *write) freeBody() {
	if wr.body != nil && wr.r.Body != wr.body {
		wr.body.Free()
	}
}

// holdBack, if true, keeps an answer until the gate is open again.
type holdBack bool

// Decide implements [middleware.Stage].
func (h holdBack) Decide(rec *middleware.Recorder, _ middleware.Decision) middleware.Decision {
	if !rec.Plain() {
		quoteTag(rec.Fields()) // what the handler says of the new version must be one that it can be sent back
	}
	if h {
		return middleware.Buffer
	}
	return middleware.Pass
}

// throughGate holds the gate from the check to the end of the handler, also
// if that panics.
func (wr *write) throughGate(rec *middleware.Recorder) *problem.Problem {
	began := middleware.Began(wr.l.config.Observer)
	pass, err := wr.l.gate.EnterIn(wr.r.Context(), wr.resource, wr.passRoom)
	wr.wait = middleware.Took(began)
	if err != nil {
		return gateClosed(err)
	}
	wr.pass = pass
	defer wr.leaveGate()
	if !pass.Borrowed() && middleware.HeldFirmly(rec) {
		return transactionOutside()
	}
	return wr.judgeAndRun(pass, rec)
}

func (wr *write) leaveGate() {
	err := wr.pass.Release(wr.r.Context())
	switch {
	case errors.Is(err, lease.ErrLost):
		wr.l.observe(wr.r, wr.resource, middleware.Event{Kind: middleware.EventLost, Err: err})
	case err != nil: // it opens by itself when the lease ends
		wr.l.observe(wr.r, wr.resource, middleware.Event{Kind: middleware.EventFailed, Err: err})
	}
}

// judgeAndRun runs the handler if no precondition stands against it, and else
// returns the problem: answered here, it could be as slow as its client.
func (wr *write) judgeAndRun(ctx context.Context, rec *middleware.Recorder) *problem.Problem {
	wr.prepare(ctx)
	if wr.preconditions.hasAny(wr.r.Method) {
		if p, answered := wr.judge(rec); p != nil || answered {
			return p
		}
		if wr.pass != nil && wr.pass.Err() != nil { // the check took too long
			return gateClosed(context.Cause(wr.pass))
		}
	}
	after := wr.questionAfter() // before the handler can change what it is made of
	wr.run(rec)
	if after != nil {
		wr.tagAnswer(rec, after)
	}
	return nil
}

// prepare makes what the handler gets: the same request, with the body that
// was read, and a context that carries the check and ends with the lease.
func (wr *write) prepare(ctx context.Context) {
	room := wr.room
	room.Context = ctx
	if wr.pass != nil {
		room.check.Token = wr.pass.Token()
	}
	room.request = *wr.r.WithContext(&room.checked) // a copy as net/http makes it
	if wr.body != nil {
		room.request.Body = wr.body
	}
}

// run runs the handler, and tells the observer how that went.
func (wr *write) run(rec *middleware.Recorder) {
	if wr.l.config.Observer == nil {
		wr.serve(rec)
		return
	}
	event := middleware.Event{Kind: middleware.EventFailed, Err: errNoReturn, Wait: wr.wait}
	began := time.Now()
	defer func() {
		event.Run = time.Since(began)
		wr.l.observe(wr.r, wr.resource, event)
	}()
	wr.serve(rec)
	rec.Settle()
	event = middleware.Event{Kind: middleware.EventPassed, Status: rec.Status(), Wait: wr.wait}
}

func (wr *write) serve(rec *middleware.Recorder) {
	wr.next.ServeHTTP(rec, &wr.room.request)
	middleware.GiveBack(wr.r, &wr.room.request)
}

var errNoReturn = errors.New("etag: the handler did not return: a panic, or runtime.Goexit")

// judge finds out the current state and judges the preconditions by it. The
// problem, if there is one, is for the caller to answer; answered says that the
// handler has given the answer, to the question for the state.
func (wr *write) judge(rec *middleware.Recorder) (p *problem.Problem, answered bool) {
	found, p, answered := wr.find(rec)
	if p != nil || answered {
		return p, answered
	}
	defer found.free()
	wr.check.State = found.state
	if wr.undecidedByDate(found.state) {
		return wr.l.preconditionRequired(), false
	}
	result := wr.preconditions.Evaluate(wr.r.Method, found.state)
	if result.Verdict == Proceed {
		return nil, false
	}
	p = wr.l.mismatch(result.Field, found.state)
	wr.addCurrent(p, found)
	return p, false
}

// undecidedByDate reports whether a date was to satisfy Require, and the
// resource has none to compare it with. The RFC has it ignored then, which
// would let the write through unchecked.
func (wr *write) undecidedByDate(s State) bool {
	p := wr.preconditions
	return wr.required && !p.hasIfMatch() && !p.noneMatchAny() &&
		(!s.Exists || s.LastModified.IsZero())
}
