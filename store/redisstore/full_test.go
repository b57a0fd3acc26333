//go:build unix

package redisstore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/internal/testserver"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/redisstore"
)

// newFullStore returns a store with some records, on a server that is out of
// memory.
func newFullStore(t *testing.T) (s *redisstore.Store, standing map[string]store.Record) {
	t.Helper()
	url, _ := testserver.PrivateRedis(t, "--appendfsync", "no")
	client := newClient(t, url)
	s, ctx := newStore(t, client, redisstore.Config{}), context.Background()
	standing = map[string]store.Record{}
	for i := range 50 {
		key := fmt.Sprint("key ", i)
		standing[key] = mustCreate(t, s, key, store.Record{Head: []byte(key), Body: noise(1000), TTL: time.Hour})
	}
	require.NoError(t, client.ConfigSet(ctx, "maxmemory", "1").Err())
	return s, standing
}

// noise is so many bytes.
func noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

func TestAFullServerRefusesCreateAndShowsWhatStands(t *testing.T) {
	s, standing := newFullStore(t)
	ctx := context.Background()
	for i := range 20 {
		_, created, err := s.Create(ctx, fmt.Sprint("another ", i), record("r"))
		require.ErrorIs(t, err, store.ErrFull)
		require.NotErrorIs(t, err, store.ErrUnavailable, "it is there, and full")
		require.False(t, created)
		_, found, err := s.Get(ctx, fmt.Sprint("another ", i))
		require.NoError(t, err)
		require.False(t, found)
	}
	for key, want := range standing {
		got, found, err := s.Get(ctx, key)
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, want.Body, got.Body)
		shown, created, err := s.Create(ctx, key, record("loser"))
		require.NoError(t, err)
		require.False(t, created)
		require.Equal(t, want.Version, shown.Version)
		require.Equal(t, want.Body, shown.Body)
	}
}

func TestReplaceNeverFailsForRoom(t *testing.T) {
	s, standing := newFullStore(t)
	ctx := context.Background()
	for _, head := range []int{0, 256, store.MaxHead} {
		for key, was := range standing {
			next := store.Record{Head: noise(head), Body: noise(20_000), TTL: time.Hour}
			now := mustReplace(t, s, key, was.Version, next)
			require.Greater(t, now.Version, was.Version)
			require.True(t, now.Dropped)
			require.Empty(t, now.Body)
			require.Equal(t, next.Head, append([]byte{}, now.Head...))
			got, found, err := s.Get(ctx, key)
			require.NoError(t, err)
			require.True(t, found)
			require.True(t, got.Dropped)
			require.Empty(t, got.Body)
			require.Equal(t, next.Head, got.Head)
			shown, created, err := s.Create(ctx, key, record("loser"))
			require.NoError(t, err)
			require.False(t, created)
			require.True(t, shown.Dropped, "a loser has to know, too")
			standing[key] = now
		}
	}
	for key, was := range standing { // no body, so nothing is dropped
		now := mustReplace(t, s, key, was.Version, store.Record{Head: []byte("without"), TTL: time.Hour})
		require.False(t, now.Dropped)
		deleted, err := s.Delete(ctx, key, now.Version)
		require.NoError(t, err)
		require.True(t, deleted, "deleting takes no room that has to be there first")
	}
}

func TestWatchersAreWokenInAFullServer(t *testing.T) {
	s, standing := newFullStore(t)
	woken := watching(t, s, "key 1", standing["key 1"].Version)
	mustReplace(t, s, "key 1", standing["key 1"].Version, record("next"))
	require.NoError(t, <-woken)
}

func TestBodiesOverTheLimit(t *testing.T) {
	s := newStore(t, newClient(t, testserver.Redis(t)), redisstore.Config{MaxBody: 1000})
	ctx := context.Background()
	_, created, err := s.Create(ctx, "key", store.Record{Body: make([]byte, 1001), TTL: time.Hour})
	require.ErrorIs(t, err, store.ErrTooLarge)
	require.False(t, created)
	_, found, err := s.Get(ctx, "key")
	require.NoError(t, err)
	require.False(t, found)

	r := mustCreate(t, s, "key", store.Record{Body: make([]byte, 1000), TTL: time.Hour})
	r = mustReplace(t, s, "key", r.Version, store.Record{Head: []byte("h"), Body: make([]byte, 1001), TTL: time.Hour})
	assert.True(t, r.Dropped)
	assert.Empty(t, r.Body)
	r, found, err = s.Get(ctx, "key")
	require.NoError(t, err)
	require.True(t, found)
	assert.True(t, r.Dropped)
	r = mustReplace(t, s, "key", r.Version, store.Record{Body: []byte(strings.Repeat("b", 1000)), TTL: time.Hour})
	assert.False(t, r.Dropped)
}
