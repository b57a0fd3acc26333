package etag

import (
	"errors"
	"fmt"

	"github.com/concordhttp/concord/middleware/problem"
)

// ErrNoChange is what the function given to [Update] returns if the resource is
// well as it is. Update itself never returns it.
var ErrNoChange = errors.New("etag: no change")

// What [Update] cannot work with, found by [errors.Is].
var (
	// ErrNoTag: the server answers GET without an ETag, so no write could say
	// which version it changes. Nothing was written.
	ErrNoTag = errors.New("etag: the server sends no ETag with this resource")
	// ErrWeakTag: the ETag of the resource is weak (W/"…"), and never satisfies
	// If-Match (RFC 9110 section 13.1.1). Nothing was written.
	ErrWeakTag = errors.New("etag: the server sends a weak ETag with this resource, which If-Match never accepts")
	// ErrTooLarge: the representation is longer than Client.MaxBody.
	ErrTooLarge = errors.New("etag: the representation is too large")
	// ErrDeleted: the resource was there when Update began, and is not any more.
	ErrDeleted = errors.New("etag: the resource was deleted meanwhile")
	// ErrUnclear: the answer to a write was lost, and what the resource is now does
	// not tell whether it was done. Look before it is tried again.
	ErrUnclear = errors.New("etag: the answer to a write was lost, and the resource does not tell whether it was done")
)

// UpdateError says at which step an [Update] ended, and why.
type UpdateError struct {
	Step     string // "read", "decode", "change", "encode" or "write"
	Attempts int    // how often a write was sent
	Err      error
}

// Error implements error.
func (e *UpdateError) Error() string {
	return fmt.Sprintf("etag: update: %s (writes sent: %d): %v", e.Step, e.Attempts, e.Err)
}

// Unwrap returns Err.
func (e *UpdateError) Unwrap() error { return e.Err }

// AnswerError is an answer with which an [Update] cannot go on.
type AnswerError struct {
	Status  int
	Problem *problem.Problem // nil: the answer has none
}

// Error implements error.
func (e *AnswerError) Error() string {
	if e.Problem == nil {
		return fmt.Sprintf("answered %d", e.Status)
	}
	return fmt.Sprintf("answered %d: %v", e.Status, e.Problem)
}

// Unwrap returns the problem, if there is one.
func (e *AnswerError) Unwrap() error {
	if e.Problem == nil {
		return nil
	}
	return e.Problem
}
