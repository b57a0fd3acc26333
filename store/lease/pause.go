package lease

import (
	"context"
	"math"
	"math/rand/v2"
	"time"
)

// backoff is the pause after so many failures of the store in a row: from
// PollMin, doubling, to PollMax.
func (k *Keeper) backoff(failures int) time.Duration {
	d := k.config.PollMin
	for range failures {
		if d >= k.config.PollMax/2 { // before it is doubled, lest it overflow
			return k.config.PollMax
		}
		d *= 2
	}
	return d
}

// halfUpOrDown varies a pause, so that those who wait for one thing do not all
// look at once.
func halfUpOrDown(d time.Duration) time.Duration {
	d = min(d, math.MaxInt64/2) // half more than that is still a duration
	return d/2 + rand.N(d+1)    //nolint:gosec // it spreads load and guards nothing
}

// pause waits for about d, and reports whether ctx lasted that long.
func (k *Keeper) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(k.jitter(d))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
