package etag

import (
	"net/http"

	"github.com/concordhttp/concord/middleware"
)

// read answers a GET or HEAD that carries preconditions.
func (l *Layer) read(w http.ResponseWriter, r *http.Request, next http.Handler) {
	var p Preconditions
	p.parseForWrite(r.Header, nil)
	p.parseForRead(r.Header)
	if l.config.AcceptTransformed {
		p.acceptTransformed()
	}
	resource := ""
	if l.config.Observer != nil || l.config.Current != nil {
		resource = l.config.Resource(r)
	}
	if err := p.malformedFor(r.Method); err != nil {
		l.refuse(w, r, resource, malformed(err))
		return
	}
	if len(r.Header) > maxFields {
		l.refuse(w, r, resource, tooManyFields())
		return
	}
	if l.config.Current != nil {
		l.readCurrent(w, r, next, p, resource)
		return
	}
	l.readAnswer(w, r, next, p, resource)
}

// readCurrent judges a read before the handler runs. Where Current cannot
// tell, a read that only wants to save itself a transfer is answered in full.
func (l *Layer) readCurrent(w http.ResponseWriter, r *http.Request, next http.Handler, p Preconditions, resource string) {
	s, err := l.config.Current(r)
	if err != nil {
		if p.hasIfMatch() || p.hasUnmodifiedSince() {
			l.refuse(w, r, resource, unavailable(err))
			return
		}
		l.observe(r, resource, middleware.Event{Kind: middleware.EventFailed, Err: err})
		s = State{}
	}
	inner := r.WithContext(&checked{r.Context(), Check{Preconditions: p, State: s}, &readBy{l, resource}})
	if s.Exists { // else the handler answers, and a 404 stays a 404
		switch result := p.Evaluate(r.Method, s); result.Verdict {
		case NotModified:
			l.notModified(w, r, resource, s)
			return
		case Failed:
			l.refuse(w, r, resource, l.mismatch(result.Field, s))
			return
		case IgnoreRange:
			inner.Header = copyFields(r.Header)
			delete(inner.Header, "Range")
		case Proceed:
		}
	}
	next.ServeHTTP(w, inner)
	middleware.GiveBack(r, inner)
	if err == nil {
		l.observe(r, resource, middleware.Event{Kind: middleware.EventPassed})
	}
}

func (l *Layer) notModified(w http.ResponseWriter, r *http.Request, resource string, s State) {
	rec, owned := middleware.Record(w)
	stamp(rec.Fields(), s)
	rec.WriteHeader(http.StatusNotModified)
	if owned {
		rec.Finish()
	}
	l.observe(r, resource, middleware.Event{Kind: middleware.EventNotModified, Status: http.StatusNotModified})
}

// stateBefore is what Current says before the handler runs, once for each
// read. One whose validator cannot be found out goes without.
func (l *Layer) stateBefore(r *http.Request) State {
	resource := l.config.Resource(r)
	c, ok := r.Context().Value(checkKey{}).(*checked)
	if ok && c.read != nil && *c.read == (readBy{l, resource}) {
		return c.check.State
	}
	s, err := l.config.Current(r)
	if err != nil {
		l.observe(r, resource, middleware.Event{Kind: middleware.EventFailed, Err: err})
		return State{}
	}
	return s
}

// readAnswer runs the handler, and judges its answer. A HEAD is run as a GET,
// whose validator may be a hash of the body.
func (l *Layer) readAnswer(w http.ResponseWriter, r *http.Request, next http.Handler, p Preconditions, resource string) {
	rec, owned := middleware.Record(w)
	j := &judge{l: l, method: r.Method, resource: resource, preconditions: p}
	rec.Enter(j, j.limit())
	inner := l.forAnswer(r, p)
	if r.Method == http.MethodHead {
		runAsGet(next, rec, inner)
	} else {
		next.ServeHTTP(rec, inner)
	}
	middleware.GiveBack(r, inner)
	rec.Leave()
	j.finish(rec, r)
	if owned {
		rec.Finish()
	}
}

// forAnswer is the request as the handler gets it. A handler that judges
// preconditions by itself would compare If-Match with a tag that is not there
// yet, and a part of the representation has none.
func (l *Layer) forAnswer(r *http.Request, p Preconditions) *http.Request {
	if r.Method == http.MethodGet && !p.hasIfMatch() && !p.hasUnmodifiedSince() {
		return r
	}
	inner := r.WithContext(r.Context())
	inner.Method = http.MethodGet
	if p.hasIfMatch() || p.hasUnmodifiedSince() {
		inner.Header = copyFields(r.Header)
		for _, name := range [...]string{fieldIfMatch, fieldIfUnmodifiedSince, fieldIfRange, "Range"} {
			delete(inner.Header, name)
		}
	}
	return inner
}

// runAsGet runs the handler of a HEAD for its fields. A body that nobody will
// see may have no end, so after some of it the handler is told to stop.
func runAsGet(next http.Handler, rec *middleware.Recorder, inner *http.Request) {
	ctx, stop := stoppable(inner.Context())
	defer stop()
	rec.HeadOnly()
	rec.OnStream(stop)
	asGet := inner.WithContext(ctx)
	defer func() { middleware.GiveBack(inner, asGet) }()
	defer endedByStop(ctx)
	next.ServeHTTP(rec, asGet)
}

// judge compares an answer with the preconditions of its read: when its fields
// are settled if they tell the validator, else when the body has been hashed.
type judge struct {
	l             *Layer
	method        string
	resource      string
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
		if j.describes(rec) {
			return middleware.Buffer
		}
	}
	return middleware.Pass
}

// limit is how much of an answer is held back, if it is.
func (j *judge) limit() int64 {
	if j.method == http.MethodHead {
		return j.l.config.MaxBody
	}
	return 0
}

// describes reports whether the answer to a HEAD waits for the body that nobody
// will see, for the fields that the server would have made of it. Where the
// handler is run through another layer's Recorder, that one does not know that
// they are missing.
func (j *judge) describes(rec *middleware.Recorder) bool {
	fields, length := rec.Fields(), rec.DeclaredLength()
	_, typed := fields["Content-Type"]
	return j.method == http.MethodHead && !rec.Endless() && length <= j.l.config.MaxBody && (length < 0 || !typed)
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
	event := middleware.Event{Kind: middleware.EventPassed, Status: rec.Status()}
	switch j.result.Verdict {
	case NotModified:
		event.Kind = middleware.EventNotModified
	case Failed:
		p := j.l.mismatch(j.result.Field, j.state)
		rec.Replace(func(w http.ResponseWriter) { middleware.Refuse(w, r, j.l.config.Respond, p) })
		event = middleware.Refusal(p)
	case Proceed, IgnoreRange:
	}
	j.l.observe(r, j.resource, event)
}

// stateOf reads the validators that an answer carries.
func stateOf(rec *middleware.Recorder) State {
	s := State{Exists: true, LastModified: modifiedIn(rec.Fields())}
	if quoteTag(rec.Fields()) {
		s.Tag, _ = Parse(rec.Fields()["Etag"][0])
	}
	return s
}
