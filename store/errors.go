package store

import (
	"errors"
	"fmt"
)

// Failures of a store. Stores wrap them with what they know, so compare with
// [errors.Is].
var (
	// ErrFull: Create found no room for another record.
	ErrFull = errors.New("store: full")
	// ErrTooLarge: a key or a head over its limit or, from Create, a body that
	// the store can never hold. Replace drops such a body.
	ErrTooLarge = errors.New("store: too large")
	// ErrInvalid: an empty key, or a time to live that is not positive.
	ErrInvalid = errors.New("store: invalid argument")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("store: closed")
	// ErrUnavailable: the store cannot be reached, or did not answer in time.
	ErrUnavailable = errors.New("store: unavailable")
	// ErrEnded: a transaction was ended by somebody else, a handler that commits it
	// say. What was done in it may stand.
	ErrEnded = errors.New("store: the transaction was ended by somebody else")
)

// CheckKey returns an error wrapping [ErrInvalid] or [ErrTooLarge] if key is
// not 1 to [MaxKey] bytes. Every store begins each of its methods with it.
func CheckKey(key string) error {
	switch {
	case key == "":
		return fmt.Errorf("%w: empty key", ErrInvalid)
	case len(key) > MaxKey:
		return fmt.Errorf("%w: key of %d bytes, the limit is %d", ErrTooLarge, len(key), MaxKey)
	}
	return nil
}

// Check is [CheckKey], and returns an error wrapping [ErrInvalid] or
// [ErrTooLarge] if r may not be written: a head over [MaxHead], or a TTL that
// is not positive. Zero is never taken for "for ever". Every store begins
// Create and Replace with it.
func Check(key string, r Record) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	switch {
	case len(r.Head) > MaxHead:
		return fmt.Errorf("%w: head of %d bytes, the limit is %d", ErrTooLarge, len(r.Head), MaxHead)
	case r.TTL <= 0:
		return fmt.Errorf("%w: time to live of %v, must be positive", ErrInvalid, r.TTL)
	}
	return nil
}
