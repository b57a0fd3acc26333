package sqlstore

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Pauses before a step is taken again.
const (
	retryMin = time.Millisecond
	retryMax = 50 * time.Millisecond
)

var errContended = errors.New("others were always faster")

// insist takes a step until it is done, for CallTimeout at most. A step that is
// not done without an error met others who were faster, and so did one whose
// statement the database has ended for their sake; any other error ends it.
func (s *Store) insist(ctx context.Context, what string, step func(context.Context) (done bool, err error)) error {
	if err := s.usable(ctx, what); err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, s.config.CallTimeout)
	defer cancel()
	for n := 0; ; n++ {
		done, err := step(within)
		switch {
		case done && err == nil:
			return nil
		case err == nil:
			err = errContended
		case !transient(err):
			return failure(ctx, what, err)
		}
		if !pause(within, retryMin, retryMax, n) {
			return failure(ctx, what, err)
		}
	}
}

// pause waits before the nth look after the first: from least, doubled each time
// up to most, and varied by half, so that those who met do not meet again. False:
// ctx has ended.
func pause(ctx context.Context, least, most time.Duration, n int) bool {
	timer := time.NewTimer(jittered(least, most, n))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func jittered(least, most time.Duration, n int) time.Duration {
	d := most
	if n < 16 {
		d = min(least<<n, most)
	}
	return d/2 + rand.N(d+1) //nolint:gosec // G404: a pause is no secret
}
