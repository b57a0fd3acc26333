package middleware

import (
	"net/http"
	"time"

	"github.com/concordhttp/concord/middleware/problem"
)

// maxUnwrap bounds the walk through wrapped response writers, since a wrapper
// by mistake can unwrap to itself.
const maxUnwrap = 64

// Exchange is what the layers of one request know in common. It is found
// through the response writer, so that a request no layer is concerned with
// pays for neither a context nor a wrapper.
//
// An Exchange belongs to the goroutine of its request.
type Exchange struct{ known known }

// known is a set, in one byte because the Recorder is full.
type known uint8

const (
	probing  known = 1 << iota // see Probe
	refusing                   // a layer is writing a refusal at this moment
	refused                    // the answer is one
)

func (x *Exchange) is(what known) bool { return x.known&what != 0 }

func (x *Exchange) set(what known, is bool) {
	if is {
		x.known |= what
	} else {
		x.known &^= what
	}
}

// Probe reports whether the request is one that a layer makes to ask the
// handler for the current state of a resource. It must reach the handler: an
// answer collapsed with others may be older than the last write.
func (x *Exchange) Probe() bool { return x != nil && x.is(probing) }

// Find returns the Exchange of the request that w answers, or nil if no layer
// is concerned with it so far.
func Find(w http.ResponseWriter) *Exchange {
	var found *Exchange // the request's is that of its outermost Recorder
	for range maxUnwrap {
		switch u := w.(type) {
		case *Recorder:
			found, w = &u.a.exchange, u.w
		case interface{ Unwrap() http.ResponseWriter }:
			w = u.Unwrap()
		default:
			return found
		}
	}
	return found
}

// Record returns the Recorder that a layer writes to instead of w. If w is one
// already, the layers share it and owned is false: the layer that owns it will
// finish it. It is not shared past another wrapper, which would be passed by.
func Record(w http.ResponseWriter) (rec *Recorder, owned bool) {
	if rec, ok := shared(w); ok {
		return rec, false
	}
	return RecordIn(w, new(Recorder))
}

// RecordIn is Record for a layer that has room for a Recorder in a struct of
// its own, which must be zero, and must not be used for another request.
func RecordIn(w http.ResponseWriter, room *Recorder) (rec *Recorder, owned bool) {
	if rec, ok := shared(w); ok {
		return rec, false
	}
	room.w = w
	return room, true
}

func shared(w http.ResponseWriter) (*Recorder, bool) {
	rec, ok := w.(*Recorder)
	return rec, ok && rec.a.n < maxStages
}

// Refuse answers w with p, which is the layer's own, in place of the handler. A
// nil respond is [problem.JSON]. An Instance is given to p if it has none, so that
// an event can tell which answer it is about: see [Refusal].
func Refuse(w http.ResponseWriter, r *http.Request, respond problem.Responder, p *problem.Problem) {
	if respond == nil {
		respond = problem.JSON
	}
	if p.Instance == "" {
		p.Instance = problem.NewInstance()
	}
	setRefusing(w, true)
	defer setRefusing(w, false)
	respond(w, r, p)
}

// MarkRefused is for a layer that refuses with an answer that is no problem,
// before it writes it.
func MarkRefused(rec *Recorder) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.a.exchange.set(refused, true)
}

// setRefusing says to each Recorder that w writes to whether what is written is
// a refusal. What counts is the answer that arrives there: a handler that has
// one part of its work refused, and answers by itself, was not refused.
func setRefusing(w http.ResponseWriter, is bool) {
	for range maxUnwrap {
		switch u := w.(type) {
		case *replacement:
			u.refused = u.refused || is
			return
		case *Recorder:
			u.setRefusing(is)
			w = u.w
		case interface{ Unwrap() http.ResponseWriter }:
			w = u.Unwrap()
		default:
			return
		}
	}
}

func (rec *Recorder) setRefusing(is bool) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.a.exchange.set(refusing, is)
}

// Refused reports whether the answer is a refusal: a layer gave it before the
// handler ran, so that nothing was done that would have to be remembered.
func (rec *Recorder) Refused() bool {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return rec.a.exchange.is(refused)
}

// Ask returns the Recorder of a request that a layer makes itself, to ask the
// handler for the current state of a resource. Nobody else sees the answer, of
// which at most limit bytes are held. Once it is no longer held back whole,
// because it is a stream or larger, onStream is called, and the rest is lost.
// The layer calls Leave when the handler has returned, and Finish when it has
// read the answer.
func Ask(limit int64, onStream func()) *Recorder {
	rec := &Recorder{w: &nowhere{}}
	rec.a.exchange.set(probing, true)
	rec.Enter(hold{}, limit)
	rec.OnStream(onStream)
	return rec
}

// hold is the stage of a request whose answer goes nowhere.
type hold struct{}

func (hold) Decide(*Recorder, Decision) Decision { return Buffer }

// nowhere is an answer that no client gets.
type nowhere struct{ fields http.Header }

func (n *nowhere) Header() http.Header {
	if n.fields == nil {
		n.fields = make(http.Header)
	}
	return n.fields
}

func (n *nowhere) WriteHeader(int)             {}
func (n *nowhere) Write(p []byte) (int, error) { return len(p), nil }

// What follows does nothing, and succeeds: a handler may take it for an error
// of the connection that it cannot set a deadline.

func (n *nowhere) FlushError() error                { return nil }
func (n *nowhere) SetReadDeadline(time.Time) error  { return nil }
func (n *nowhere) SetWriteDeadline(time.Time) error { return nil }
func (n *nowhere) EnableFullDuplex() error          { return nil }
