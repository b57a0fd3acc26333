package redisstore

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/concordhttp/concord/store"
)

// write runs a script that may write and, if it did, wants Config.Replicas to
// have it. WAIT counts for the connection that wrote, so both go in one pipeline;
// of a script that wrote nothing it asks nothing.
func (s *Store) write(ctx context.Context, c *script, key string, args ...any) (any, error) {
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
	if version, wrote := reply.(int64); err == nil && wrote && version > 0 {
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
