package redisstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/concordhttp/concord/store"
)

// Failures of this store besides those of package store.
var (
	// ErrCorrupt: what stands at a key is no record of this store. It is not
	// absent, and nothing was written.
	ErrCorrupt = errors.New("redisstore: corrupt record")
	// ErrTooManyWaiters: Config.MaxWaiters callers are in Watch already.
	ErrTooManyWaiters = errors.New("redisstore: too many waiters")
)

// failure returns the error of a call that failed with err: the context's own if
// it has ended, else what err means to the contract. Whatever the server or the
// network says that has no meaning of its own is unavailability.
func failure(ctx context.Context, err error) error {
	if ended := ended(ctx); ended != nil {
		return fmt.Errorf("redisstore: %w (%v)", ended, err) //nolint:errorlint // it may be another context's, and must not count as one
	}
	switch {
	case errors.Is(err, ErrCorrupt), errors.Is(err, store.ErrUnavailable):
		return err
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		// That of Config.CallTimeout or of the client, not of the caller.
		return fmt.Errorf("%w: no reply in time (%v)", store.ErrUnavailable, err) //nolint:errorlint // see above
	case redis.HasErrorPrefix(err, "CORRUPT"), redis.HasErrorPrefix(err, "WRONGTYPE"):
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
}

// ended returns the error of ctx, also at the instant of its deadline, when its
// timer has not fired yet and a connection that shares the deadline has.
func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// full reports whether the server refused a script because it may take no more
// memory. It has not begun then.
func full(err error) bool { return redis.HasErrorPrefix(err, "OOM") }
