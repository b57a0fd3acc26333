package idempotency

import (
	"errors"
	"fmt"

	"github.com/concordhttp/concord/middleware/problem"
)

// ErrUnreplayableBody: the body of a request can be read only once, so that the
// request could not be sent again if its answer was lost. Nothing was sent. Make
// the body of a [bytes.Reader], or set Request.GetBody; or, with Attempts 1, have a
// [Transport] that sends everything once.
var ErrUnreplayableBody = errors.New("idempotency: the request has a body and no GetBody, so it could not be sent again")

// errNoAnswer: Base breaks the contract of [http.RoundTripper].
var errNoAnswer = errors.New("the Base returned neither an answer nor an error")

// RefusedError is an answer of status 409 or 422 that says that this request is not
// going to be done, or that nobody knows whether it was. Sending it again does not
// help, or not soon: locked is among them, for an edit lock is held for minutes.
// [errors.As] finds the [*problem.Problem] too, also through the [*net/url.Error]
// that [http.Client] makes of it.
type RefusedError struct {
	// Key is that of the request. Of outcome-unknown, ask again later with it and
	// never with another. It is for the program, and is not in the error's text.
	Key     string
	Problem *problem.Problem
}

// Error implements error.
func (e *RefusedError) Error() string { return "idempotency: refused: " + e.Problem.Error() }

// Unwrap returns the problem.
func (e *RefusedError) Unwrap() error { return e.Problem }

// UnansweredError says that no answer came. The operation may have been done or
// not; the same request with the same key ([WithKey]) finds out, and does it if it
// was not.
//
// [http.Client] drops the cause of an error when its own Timeout is over. With the
// deadline of a context [errors.As] finds this one.
type UnansweredError struct {
	Key      string // that of the request; it is not in the error's text
	Attempts int    // how often it was sent, maybe in part
	Err      error  // what came in place of an answer the last time
}

// Error implements error.
func (e *UnansweredError) Error() string {
	times := "1 attempt"
	if e.Attempts != 1 {
		times = fmt.Sprint(e.Attempts, " attempts")
	}
	return "idempotency: no answer after " + times + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *UnansweredError) Unwrap() error { return e.Err }

// Timeout reports whether the cause is one of time, as [net/url.Error] asks for it.
func (e *UnansweredError) Timeout() bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](e.Err)
	return ok && t.Timeout()
}
