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

// Fits reports whether ctx will last longer than d. It is for clients that have an
// answer to show for themselves, and give up with that rather than sleep into the
// deadline.
func Fits(ctx context.Context, d time.Duration) bool {
	if ctx.Err() != nil {
		return false
	}
	deadline, ok := ctx.Deadline()
	return !ok || d < time.Until(deadline)
}

// Pause waits until at least has passed, and then for a random part of backoff,
// anything from none of it to all: "full jitter", which spreads clients that were
// turned away together over the whole time. The random part never reaches beyond
// the deadline of ctx.
//
// False: ctx has ended meanwhile, or would have ([Fits]), and then at once.
func Pause(ctx context.Context, atLeast, backoff time.Duration) bool {
	if !Fits(ctx, atLeast) {
		return false
	}
	if deadline, ok := ctx.Deadline(); ok {
		backoff = min(backoff, time.Until(deadline)-atLeast)
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
