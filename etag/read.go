package etag

import (
	"context"
	"net/http"

	"github.com/concordhttp/concord/middleware"
)

// read answers a GET or HEAD that carries preconditions.
func (l *Layer) read(w http.ResponseWriter, r *http.Request, next http.Handler) {
	p := l.parse(r.Header)
	if err := p.malformedFor(r.Method); err != nil {
		l.refuse(w, r, malformed(err))
		return
	}
	if l.config.Current != nil {
		l.readCurrent(w, r, next, p)
		return
	}
	l.readAnswer(w, r, next, p)
}

func (l *Layer) parse(h http.Header) Preconditions {
	p, _ := ParsePreconditions(h) // which errors count depends on the method: see malformedFor
	if l.config.AcceptTransformed {
		return p.transformed()
	}
	return p
}

// readCurrent judges a read before the handler runs. Where Current cannot
// tell, a read that only wants to save itself a transfer is answered in full.
func (l *Layer) readCurrent(w http.ResponseWriter, r *http.Request, next http.Handler, p Preconditions) {
	s, err := l.config.Current(r)
	if err != nil {
		if p.hasIfMatch() || p.hasUnmodifiedSince() {
			l.refuse(w, r, unavailable(err))
			return
		}
		l.observe(r, middleware.Event{Kind: middleware.EventFailed, Err: err})
		next.ServeHTTP(w, r)
		return
	}
	if s.Exists { // else the handler answers, and a 404 stays a 404
		switch result := p.Evaluate(r.Method, s); result.Verdict {
		case NotModified:
			l.notModified(w, r, s)
			return
		case IgnoreRange:
			r = r.Clone(r.Context())
			r.Header.Del("Range")
		case Failed:
			l.refuse(w, r, l.mismatch(result.Field, s))
			return
		case Proceed:
		}
	}
	next.ServeHTTP(w, r.WithContext(&checked{r.Context(), l, Check{Preconditions: p, State: s}}))
}

func (l *Layer) notModified(w http.ResponseWriter, r *http.Request, s State) {
	rec, owned := middleware.Record(w)
	stamp(rec, s)
	rec.WriteHeader(http.StatusNotModified)
	if owned {
		rec.Finish()
	}
	l.observe(r, middleware.Event{Kind: middleware.EventNotModified, Status: http.StatusNotModified})
}

// stateBefore is what Current says before the handler runs. A read whose
// validator cannot be found out goes without.
func (l *Layer) stateBefore(r *http.Request) State {
	if c := judgedBy(r.Context(), l); c != nil {
		return c.State
	}
	s, err := l.config.Current(r)
	if err != nil {
		l.observe(r, middleware.Event{Kind: middleware.EventFailed, Err: err})
		return State{}
	}
	return s
}

// readAnswer runs the handler, and judges its answer. A HEAD is run as a GET,
// whose validator may be a hash of the body.
func (l *Layer) readAnswer(w http.ResponseWriter, r *http.Request, next http.Handler, p Preconditions) {
	rec, owned := middleware.Record(w)
	inner := r
	if r.Method == http.MethodHead {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		inner = r.WithContext(ctx)
		inner.Method = http.MethodGet
		rec.HeadOnly()
		rec.OnStream(cancel) // a body that nobody will see may have no end
	}
	j := &judge{l: l, method: r.Method, preconditions: p}
	rec.Enter(j, 0)
	next.ServeHTTP(rec, inner)
	rec.Leave()
	j.finish(rec, r)
	if owned {
		rec.Finish()
	}
}

// judge compares an answer with the preconditions of its read: when its fields
// are settled if they tell the validator, else when the body has been hashed.
type judge struct {
	l             *Layer
	method        string
	preconditions Preconditions
	judged        bool
	state         State
	result        Result
}

// Decide implements [middleware.Stage].
func (j *judge) Decide(rec *middleware.Recorder, inner middleware.Decision) middleware.Decision {
	if inner == middleware.Buffer {
		return middleware.Pass // to be judged at the end, by a tag that is not there yet
	}
	switch j.evaluate(rec) {
	case NotModified:
		return middleware.NotModified
	case Failed:
		return middleware.Drop
	case Proceed, IgnoreRange:
	}
	return middleware.Pass
}

// evaluate judges a successful answer; any other is the answer (RFC 9110
// section 13.2.1).
func (j *judge) evaluate(rec *middleware.Recorder) Verdict {
	j.judged = true
	j.result = Result{Verdict: Proceed}
	if isSuccess(rec.Status()) {
		j.state = stateOf(rec)
		j.result = j.preconditions.Evaluate(j.method, j.state)
	}
	return j.result.Verdict
}

func (j *judge) finish(rec *middleware.Recorder, r *http.Request) {
	if !j.judged {
		if !rec.Buffered() {
			return // sent on already, because it was too large or flushed
		}
		if j.evaluate(rec) == NotModified {
			rec.TurnNotModified()
		}
	}
	switch j.result.Verdict {
	case NotModified:
		j.l.observe(r, middleware.Event{Kind: middleware.EventNotModified, Status: http.StatusNotModified})
	case Failed:
		rec.Discard()
		j.l.refuse(rec, r, j.l.mismatch(j.result.Field, j.state))
	case Proceed, IgnoreRange:
	}
}

// stateOf reads the validators that an answer carries.
func stateOf(rec *middleware.Recorder) State {
	s := State{Exists: true, LastModified: modifiedIn(rec.Fields())}
	if quoteTag(rec.Fields()) {
		s.Tag, _ = Parse(rec.Fields()["Etag"][0])
	}
	return s
}
