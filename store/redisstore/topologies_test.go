//go:build unix

package redisstore_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/internal/testserver"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/redisstore"
	"github.com/concordhttp/concord/store/storetest"
)

// newCluster returns a client of a private Cluster.
func newCluster(t *testing.T) (*redis.ClusterClient, []*testserver.Process) {
	t.Helper()
	addrs, nodes := testserver.RedisCluster(t, "--appendfsync", "no")
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = client.Close() })
	return client, nodes
}

func TestCluster(t *testing.T) {
	client, nodes := newCluster(t)
	t.Run("conformance", func(t *testing.T) {
		storetest.Run(t, opener(client, redisstore.Config{}))
	})
	t.Run("each master is checked", func(t *testing.T) {
		s := newStore(t, client, redisstore.Config{})
		require.NoError(t, s.Check(context.Background()))
		require.NoError(t, client.ForEachMaster(context.Background(), func(ctx context.Context, c *redis.Client) error {
			return c.ConfigSet(ctx, "maxmemory-policy", "allkeys-lru").Err()
		}))
		err := s.Check(context.Background())
		require.ErrorIs(t, err, redisstore.ErrEvicts)
		for _, c := range masters(t, client) {
			require.ErrorContains(t, err, c.Options().Addr)
		}
	})
	t.Run("a watcher hears of keys on every master", func(t *testing.T) {
		s := newStore(t, client, redisstore.Config{Recheck: time.Hour})
		var woken []<-chan error
		var versions []uint64
		for i := range 30 {
			r := mustCreate(t, s, fmt.Sprint(i), record("r"))
			versions = append(versions, r.Version)
			woken = append(woken, watching(t, s, fmt.Sprint(i), r.Version))
		}
		for i, version := range versions {
			mustReplace(t, s, fmt.Sprint(i), version, record("next"))
		}
		for _, w := range woken {
			require.NoError(t, <-w)
		}
	})
	t.Run("a master that is down takes its keys along, and no others", func(t *testing.T) {
		s := newStore(t, client, redisstore.Config{CallTimeout: 300 * time.Millisecond})
		require.NoError(t, client.ForEachMaster(context.Background(), func(ctx context.Context, c *redis.Client) error {
			return c.ConfigSet(ctx, "cluster-require-full-coverage", "no").Err()
		}))
		for i := range 30 {
			mustCreate(t, s, fmt.Sprint(i), record("r"))
		}
		nodes[0].Kill(t)
		there, gone := 0, 0
		for i := range 30 {
			_, found, err := s.Get(context.Background(), fmt.Sprint(i))
			if err != nil {
				require.ErrorIs(t, err, store.ErrUnavailable)
				require.False(t, found)
				gone++
				continue
			}
			require.True(t, found)
			there++
		}
		assert.Positive(t, there)
		assert.Positive(t, gone)
		nodes[0].Start(t)
		for i := range 30 {
			eventually(t, func() bool {
				_, found, err := s.Get(context.Background(), fmt.Sprint(i))
				return err == nil && found
			}, "the master is back, with its records")
		}
	})
}

func masters(t *testing.T, client *redis.ClusterClient) (all []*redis.Client) {
	t.Helper()
	found := make(chan *redis.Client, 16)
	require.NoError(t, client.ForEachMaster(context.Background(), func(_ context.Context, c *redis.Client) error {
		found <- c
		return nil
	}))
	close(found)
	for c := range found {
		all = append(all, c)
	}
	return all
}

// TestSlotsMove gives a slot to another master while its record is used: the
// client follows, and the record stands.
func TestSlotsMove(t *testing.T) {
	client, _ := newCluster(t)
	c := redisstore.Config{Prefix: newPrefix()}
	s, ctx := newStore(t, client, c), context.Background()
	r := mustCreate(t, s, "key", record("r"))
	name := c.Prefix + "key"
	slot := client.ClusterKeySlot(ctx, name).Val()
	from, err := client.MasterForKey(ctx, name)
	require.NoError(t, err)
	var to *redis.Client
	for _, m := range masters(t, client) {
		if m.Options().Addr != from.Options().Addr {
			to = m
		}
	}
	id := func(c *redis.Client) string { return c.Do(ctx, "CLUSTER", "MYID").Val().(string) }
	woken := watching(t, s, "key", r.Version)

	require.NoError(t, to.Do(ctx, "CLUSTER", "SETSLOT", slot, "IMPORTING", id(from)).Err())
	require.NoError(t, from.Do(ctx, "CLUSTER", "SETSLOT", slot, "MIGRATING", id(to)).Err())
	got, found, err := s.Get(ctx, "key")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, r.Version, got.Version)
	dump := from.Dump(ctx, name).Val() // and not MIGRATE, which would have to reach another address than this test
	require.NoError(t, to.Process(ctx, redis.NewStatusCmd(ctx, "CLUSTER", "COUNTKEYSINSLOT", slot)))
	pipe := to.Pipeline()
	pipe.Do(ctx, "ASKING")
	pipe.Do(ctx, "RESTORE", name, from.PTTL(ctx, name).Val().Milliseconds(), dump)
	_, err = pipe.Exec(ctx)
	require.NoError(t, err)
	require.NoError(t, from.Del(ctx, name).Err())

	got, found, err = s.Get(ctx, "key") // asks the one, and is sent to the other
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, r.Version, got.Version)
	r = mustReplace(t, s, "key", r.Version, record("next"))
	require.NoError(t, <-woken)
	for _, m := range []*redis.Client{to, from} {
		require.NoError(t, m.Do(ctx, "CLUSTER", "SETSLOT", slot, "NODE", id(to)).Err())
	}
	mustReplace(t, s, "key", r.Version, record("last"))
}

// TestSentinel kills the master. What is promised of a failover is in README.md:
// what the replica had goes on, and what it had not is gone.
func TestSentinel(t *testing.T) {
	servers := testserver.RedisSentinels(t, 1, "--appendfsync", "no")
	client := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: testserver.SentinelMaster, SentinelAddrs: servers.Addrs, ContextTimeoutEnabled: true,
	})
	t.Cleanup(func() { _ = client.Close() })
	c := redisstore.Config{Prefix: newPrefix(), Replicas: 1, CallTimeout: 2 * time.Second}
	s, ctx := newStore(t, client, c), context.Background()

	const acknowledged = 200
	versions := map[string]uint64{}
	for i := range acknowledged {
		key := fmt.Sprint(i)
		versions[key] = mustCreate(t, s, key, record(key)).Version
	}
	woken := watching(t, s, "0", versions["0"])
	servers.Nodes[0].Kill(t)
	_, found, err := s.Get(ctx, "0")
	require.False(t, found && err != nil)
	if err != nil {
		require.ErrorIs(t, err, store.ErrUnavailable)
	}
	if err := <-woken; err != nil {
		require.ErrorIs(t, err, store.ErrUnavailable)
	}

	// The old master is gone and no other replica there, so nothing can be
	// waited for any more: an operator has to say so.
	c.Replicas = 0
	s = newStore(t, client, c)
	eventually(t, func() bool { _, _, err := s.Get(ctx, "0"); return err == nil }, "the replica is master")
	for key, version := range versions {
		r, found, err := s.Get(ctx, key)
		require.NoError(t, err)
		require.True(t, found, "a replica had it before its Create returned")
		require.Equal(t, version, r.Version)
		require.Greater(t, mustReplace(t, s, key, version, record("next")).Version, version)
	}
}
