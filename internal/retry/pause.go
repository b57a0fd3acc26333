package retry

import (
	"context"
	"math/rand/v2"
	"time"
)

// Backoff is the longest pause after so many failures in a row, the first being
// 1: shortest, doubled with each, and never more than longest.
func Backoff(failures int, shortest, longest time.Duration) time.Duration {
	d := min(shortest, longest)
	for range failures - 1 {
		if d >= longest/2 { // before it is doubled, lest it overflow
			return longest
		}
		d *= 2
	}
	return d
}

// Pause waits until at least has passed, and then for a random part of backoff,
// anything from none of it to all: "full jitter", which spreads clients that were
// turned away together over the whole time.
//
// It does not wait for what ctx will not live to see: if at least is longer than
// what is left until the deadline of ctx, it returns false at once. It returns
// false too when ctx ends in the meantime. The random part never reaches beyond
// the deadline.
func Pause(ctx context.Context, atLeast, backoff time.Duration) bool {
	if ctx.Err() != nil {
		return false
	}
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		if atLeast >= left {
			return false
		}
		backoff = min(backoff, left-atLeast)
	}
	d := atLeast
	if backoff > 0 {
		d = max(d, d+rand.N(backoff)) //nolint:gosec // it spreads load and guards nothing; max, lest it overflow
	}
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
