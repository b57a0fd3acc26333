package lease

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff is the pause after so many failures of the store in a row: from
// PollMin, doubling, to PollMax.
func (k *Keeper) backoff(failures int) time.Duration {
	d := k.config.PollMin
	for range failures {
		if d *= 2; d >= k.config.PollMax {
			return k.config.PollMax
		}
	}
	return d
}

// halfUpOrDown varies a pause, so that those who wait for one thing do not all
// look at once.
func halfUpOrDown(d time.Duration) time.Duration {
	return d/2 + rand.N(d+1) //nolint:gosec // it spreads load and guards nothing
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
