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

// step is one attempt at something. Not done without an error, it met others who
// were faster.
type step[T any] func(ctx context.Context) (value T, done bool, err error)

// outcome is what a step has come to.
type outcome[T any] struct {
	value T
	done  bool
}

// take takes the step once.
func (f step[T]) take(ctx context.Context) (outcome[T], error) {
	return bounded(ctx, func() (o outcome[T], err error) {
		o.value, o.done, err = f(ctx)
		return o, err
	})
}

// insist takes a step until it is done, for CallTimeout at most. It is taken again
// if others were faster, and if the database has ended its statement for their
// sake; any other error ends it.
func insist[T any](ctx context.Context, s *Store, what string, f step[T]) (none T, err error) {
	if err := s.usable(ctx, what); err != nil {
		return none, err
	}
	within, cancel := context.WithTimeout(ctx, s.config.CallTimeout)
	defer cancel()
	for n := 0; ; n++ {
		o, err := f.take(within)
		switch {
		case o.done && err == nil:
			return o.value, nil
		case err == nil:
			err = errContended
		case !transient(err):
			return none, failure(ctx, what, err)
		}
		if !pause(within, retryMin, retryMax, n) {
			return none, failure(ctx, what, err)
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
