package redisstore

import (
	"bytes"
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/concordhttp/concord/store"
)

// write runs a script that may write a record with this head and, if the caller
// may take what it replies for its own writing, wants Config.Replicas to have it.
// WAIT counts for the connection that wrote, so both go in one pipeline.
func (s *Store) write(ctx context.Context, c *script, key string, head []byte, args ...any) (any, error) {
	node, ok := s.client.(*redis.Client)
	if s.config.Replicas == 0 || !ok {
		return s.run(ctx, c, key, args...)
	}
	var have *redis.Cmd
	reply, err := known(func(whole bool) (any, error) {
		pipe := node.Pipeline()
		done := c.send(ctx, pipe, whole, s.config.Prefix+key, args)
		have = pipe.Do(ctx, "WAIT", s.config.Replicas, s.config.ReplicaTimeout.Milliseconds())
		_, _ = pipe.Exec(ctx) // each command has its own error
		return done.Result()
	})
	if err == nil && mine(reply, head) {
		n, err := have.Int64()
		if err != nil {
			return nil, fmt.Errorf("written, but waiting for replicas: %w", err)
		}
		if n < int64(s.config.Replicas) {
			return nil, fmt.Errorf("%w: written, but %d replicas have it of the %d wanted", store.ErrUnavailable, n, s.config.Replicas)
		}
	}
	return reply, err
}

// mine reports whether a script has replied that it wrote, or shown a record that
// the caller may have written by an earlier delivery: one with the caller's head.
// The scripts write such a record again, as it is, if replicas are waited for; the
// wait for the first delivery may have been in vain, or nobody has heard of it.
func mine(reply any, head []byte) bool {
	if n, ok := reply.(int64); ok {
		return n > 0
	}
	shown, err := standing(reply)
	return err == nil && shown.Version != 0 && bytes.Equal(shown.Head, head)
}

// waits tells the scripts whether replicas are waited for.
func (s *Store) waits() int { return min(s.config.Replicas, 1) }
