package problem

import "net/http"

// Responder answers a request with a problem. [JSON], [Negotiate], [Stripe] and
// the methods of [Renderer] with these names are Responders. A server with
// conflict bodies of its own writes one: it calls [Renderer.Complete] for what
// the problem leaves out, and [Problem.WriteHeader], then writes its body.
//
// A Responder may be called by many goroutines with the same Problem, and must
// not change it.
type Responder func(http.ResponseWriter, *http.Request, *Problem)

// HandlerFunc makes a handler of a function that either answers or returns an
// error. An error is answered as the problem that [From] finds in it, or else
// as [KindInternal], of which clients learn nothing but that; Err is the error.
// A nil Responder is [JSON]. The problem that the Responder gets is a copy that
// has its Instance already: one that logs Instance and Err, and then calls
// another, lets whoever is told of an instance find the cause.
//
// An error that comes after the answer has begun cannot be answered any more.
// The handler then panics with [http.ErrAbortHandler], which net/http takes as
// a wish to break the connection off, so that half an answer cannot be taken
// for a whole one. After a Hijack the error is dropped, as the connection is
// the function's own.
//
// A nil *Problem in the error interface is no error: it is what a function
// returns that keeps its problem in a variable of that type. Wrapped or joined,
// it is one: see [From].
//
// The writer that the function gets passes on Flush, Hijack, ReadFrom and Push
// where the server's writer has them, and fails with [http.ErrNotSupported]
// where it does not.
func (respond Responder) HandlerFunc(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	if respond == nil {
		respond = JSON
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := &tracker{ResponseWriter: w}
		err := h(t, r)
		switch {
		case err == nil || isNilProblem(err) || t.hijacked:
			return
		case t.begun:
			panic(http.ErrAbortHandler)
		}
		respond(w, r, of(err))
	})
}

// of returns a problem for every error. It is a copy, for the one that From
// finds may be shared.
func of(err error) *Problem {
	p, ok := From(err)
	if !ok {
		p = New(KindInternal, internalDetail)
		p.Err = err
	}
	c := *p
	if c.Instance == "" {
		c.Instance = NewInstance()
	}
	return &c
}

func isNilProblem(err error) bool {
	p, ok := err.(*Problem) //nolint:errorlint // only the bare value; a wrapped one was meant as an error
	return ok && p == nil
}
