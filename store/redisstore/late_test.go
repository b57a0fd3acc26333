//go:build unix

package redisstore_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/internal/testserver"
	"github.com/concordhttp/concord/store/lease"
	"github.com/concordhttp/concord/store/redisstore"
)

// recorder keeps what a client sends for scripts.
type recorder struct {
	mu   sync.Mutex
	sent [][]any
}

func (h *recorder) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *recorder) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h *recorder) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if strings.HasPrefix(cmd.Name(), "eval") {
			h.mu.Lock()
			h.sent = append(h.sent, slices.Clone(cmd.Args()))
			h.mu.Unlock()
		}
		return next(ctx, cmd)
	}
}

// first is the command that was sent first, and not sent again since the server
// did not know the script.
func (h *recorder) first() []any {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sent[0]
}

// TestALateCreateBringsNothingBack delivers a Create once more when its record was
// deleted, as a network may that was slow with the first of two deliveries.
func TestALateCreateBringsNothingBack(t *testing.T) {
	url := testserver.Redis(t)
	client, other := newClient(t, url), newClient(t, url)
	sent := &recorder{}
	client.AddHook(sent)
	c := redisstore.Config{Prefix: newPrefix()}
	s, ctx := newStore(t, client, c), context.Background()
	mustCreate(t, newStore(t, other, redisstore.Config{}), "warm", record("r")) // the server knows the script
	k, err := lease.New(lease.Config{Store: s})
	require.NoError(t, err)
	l, _, err := k.Try(ctx, "key", lease.Claim{TTL: time.Hour})
	require.NoError(t, err)
	require.NoError(t, l.Release(ctx))
	for range 2 {
		require.ErrorContains(t, other.Do(ctx, sent.first()...).Err(), "LATE")
		_, found, err := s.Get(ctx, "key")
		require.NoError(t, err)
		require.False(t, found)
	}
	l, _, err = k.Try(ctx, "key", lease.Claim{TTL: time.Hour})
	require.NoError(t, err)
	require.NotNil(t, l, "another lease may have the key")
	require.NoError(t, l.Release(ctx))
}

// TestWhatWasDeletedMayBeCreatedAgain by the same caller, with the same head, by
// another one, and by one whose Create was on its way with a head of its own.
func TestWhatWasDeletedMayBeCreatedAgain(t *testing.T) {
	url := testserver.Redis(t)
	client, other := newClient(t, url), newClient(t, url)
	sent := &recorder{}
	client.AddHook(sent)
	c := redisstore.Config{Prefix: newPrefix()}
	s, again := newStore(t, client, c), newStore(t, other, c)
	ctx := context.Background()
	mustCreate(t, again, "warm", record("r"))
	remove := func(version uint64) {
		t.Helper()
		deleted, err := s.Delete(ctx, "key", version)
		require.NoError(t, err)
		require.True(t, deleted)
	}
	remove(mustCreate(t, s, "key", record("same")).Version)
	remove(mustCreate(t, s, "key", record("same")).Version)
	remove(mustCreate(t, again, "key", record("same")).Version)
	remove(mustCreate(t, s, "key", record("another")).Version)
	require.Positive(t, other.Do(ctx, sent.first()...).Val(), "no head but that of the deleted record is refused")
}
