//go:build unix

package redisstore_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/internal/testserver"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/lease"
	"github.com/concordhttp/concord/store/redisstore"
)

// newReplica starts a replica of the server at url, and waits until it is one.
func newReplica(t *testing.T, url string) (own string, p *testserver.Process) {
	t.Helper()
	o, err := redis.ParseURL(url)
	require.NoError(t, err)
	host, port, err := net.SplitHostPort(o.Addr)
	require.NoError(t, err)
	own, p = testserver.PrivateRedis(t, "--appendfsync", "no", "--replicaof", host, port)
	client := newClient(t, own)
	eventually(t, func() bool {
		return strings.Contains(client.Info(context.Background(), "replication").Val(), "master_link_status:up")
	}, "the replica is in step")
	master := newClient(t, url)
	eventually(t, func() bool { return master.Wait(context.Background(), 1, time.Second).Val() == 1 }, "and says what it has received")
	return own, p
}

// TestReplicasAnswerNothing asks a replica, whose records may be of the past.
func TestReplicasAnswerNothing(t *testing.T) {
	url, _ := testserver.PrivateRedis(t, "--appendfsync", "no")
	replica, _ := newReplica(t, url)
	c := redisstore.Config{Prefix: newPrefix(), CallTimeout: time.Second}
	r := mustCreate(t, newStore(t, newClient(t, url), c), "key", record("r"))
	behind := newClient(t, replica)
	eventually(t, func() bool { return behind.Exists(context.Background(), c.Prefix+"key").Val() == 1 }, "the replica has the record")
	everyMethodFails(t, newStore(t, behind, c), "key", r.Version, store.ErrUnavailable)
}

func TestWritesWaitForReplicas(t *testing.T) {
	url, _ := testserver.PrivateRedis(t, "--appendfsync", "no")
	replica, p := newReplica(t, url)
	c := redisstore.Config{Prefix: newPrefix(), Replicas: 1, ReplicaTimeout: time.Second}
	s, ctx := newStore(t, newClient(t, url), c), context.Background()
	behind := newClient(t, replica)
	for range 20 {
		r := mustCreate(t, s, "key", record("r"))
		require.EqualValues(t, 1, behind.Exists(ctx, c.Prefix+"key").Val(), "it is there when Create returns")
		r = mustReplace(t, s, "key", r.Version, record("next"))
		deleted, err := s.Delete(ctx, "key", r.Version)
		require.NoError(t, err)
		require.True(t, deleted)
		require.EqualValues(t, 28+56, behind.StrLen(ctx, c.Prefix+"key").Val(), "so has it that it is gone")
	}
	require.NoError(t, newClient(t, url).ScriptFlush(ctx).Err())
	r := mustCreate(t, s, "again", record("r"))

	p.Pause(t)
	_, created, err := s.Create(ctx, "alone", record("mine"))
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorContains(t, err, "0 replicas")
	assert.False(t, created)
	standing, created, err := s.Create(ctx, "alone", record("another")) // what others are shown is not waited for
	require.NoError(t, err)
	require.False(t, created)
	assert.Equal(t, "mine", string(standing.Head), "it was written, and its owner recognises it")
	_, replaced, err := s.Replace(ctx, "again", r.Version, record("next"))
	require.ErrorIs(t, err, store.ErrUnavailable)
	assert.False(t, replaced)
	deleted, err := s.Delete(ctx, "again", r.Version)
	require.NoError(t, err, "the version has moved on, so nothing was written")
	assert.False(t, deleted)
	p.Continue(t)
	eventually(t, func() bool {
		_, _, err := s.Create(ctx, "alone", record("mine"))
		return err == nil
	}, "the replica is back")
	assert.EqualValues(t, 1, behind.Exists(ctx, c.Prefix+"alone").Val(), "and has what was written without it")
}

// TestAWriteSentAgainWaitsForReplicasToo sends what too few replicas have again, as
// clients and callers do. The reply shows the caller that it has won, so it may
// not come before the replica has the record.
func TestAWriteSentAgainWaitsForReplicasToo(t *testing.T) {
	url, _ := testserver.PrivateRedis(t, "--appendfsync", "no")
	replica, p := newReplica(t, url)
	client := newClient(t, url)
	c := redisstore.Config{Prefix: newPrefix(), Replicas: 1, ReplicaTimeout: 500 * time.Millisecond}
	s, ctx := newStore(t, client, c), context.Background()
	replaced, deleted := mustCreate(t, s, "replaced", record("r")), mustCreate(t, s, "deleted", record("r"))
	calls := map[string]func() error{
		"created":  func() error { _, _, err := s.Create(ctx, "created", record("mine")); return err },
		"replaced": func() error { _, _, err := s.Replace(ctx, "replaced", replaced.Version, record("next")); return err },
		"deleted":  func() error { _, err := s.Delete(ctx, "deleted", deleted.Version); return err },
	}
	p.Pause(t)
	for range 3 {
		for key, call := range calls {
			require.ErrorIs(t, call(), store.ErrUnavailable, key)
		}
	}
	ttl := client.PTTL(ctx, c.Prefix+"created").Val()
	assert.InDelta(t, time.Hour+store.Grace, ttl, float64(time.Minute), "it lives no longer and no shorter")
	require.NoError(t, client.ConfigSet(ctx, "maxmemory", "1").Err())
	require.ErrorIs(t, calls["created"](), store.ErrUnavailable, "nor does a server without room show it before")
	require.NoError(t, client.ConfigSet(ctx, "maxmemory", "0").Err())
	before := client.Get(ctx, c.Prefix+"created").Val()
	p.Continue(t)
	behind := newClient(t, replica)
	for key, call := range calls {
		eventually(t, func() bool { return call() == nil }, "the replica is back")
		assert.Equal(t, client.Get(ctx, c.Prefix+key).Val(), behind.Get(ctx, c.Prefix+key).Val(), key)
	}
	assert.Equal(t, before, client.Get(ctx, c.Prefix+"created").Val(), "it was written as it was")
}

// TestNoLeaseStandsOnTheMasterAlone goes through package lease, which follows up
// what it has no answer to, and by it neither acquires nor settles nor releases
// what a failover would take back.
func TestNoLeaseStandsOnTheMasterAlone(t *testing.T) {
	url, _ := testserver.PrivateRedis(t, "--appendfsync", "no")
	_, p := newReplica(t, url)
	c := redisstore.Config{Replicas: 1, ReplicaTimeout: 300 * time.Millisecond}
	k, err := lease.New(lease.Config{Store: newStore(t, newClient(t, url), c), CallTimeout: 10 * time.Second})
	require.NoError(t, err)
	ctx := context.Background()
	settled, _, err := k.Try(ctx, "settled", lease.Claim{TTL: time.Hour})
	require.NoError(t, err)
	released, _, err := k.Try(ctx, "released", lease.Claim{TTL: time.Hour})
	require.NoError(t, err)

	p.Pause(t)
	l, _, err := k.Try(ctx, "acquired", lease.Claim{TTL: time.Hour})
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.Nil(t, l)
	_, err = settled.Settle(ctx, []byte("paid"), []byte("receipt"), time.Hour)
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorIs(t, released.Release(ctx), store.ErrUnavailable)

	p.Continue(t)
	eventually(t, func() bool {
		l, _, err := k.Try(ctx, "later", lease.Claim{TTL: time.Hour})
		return err == nil && l != nil && l.Release(ctx) == nil
	}, "the replica is back")
}

// TestALostReplyIsNoWayAroundReplicas loses every other reply, so that the client
// itself sends each call again and gets to see the caller's own record.
func TestALostReplyIsNoWayAroundReplicas(t *testing.T) {
	url, _ := testserver.PrivateRedis(t, "--appendfsync", "no")
	_, p := newReplica(t, url)
	o, err := redis.ParseURL(url)
	require.NoError(t, err)
	w := newWire(t, o.Addr, everySecond())
	c := redisstore.Config{Replicas: 1, ReplicaTimeout: 500 * time.Millisecond}
	s, ctx := newStore(t, newClient(t, "redis://"+w.addr+"/0"), c), context.Background()
	standing, _, err := s.Create(ctx, "there", record("mine"))
	require.NoError(t, err)
	require.Equal(t, "mine", string(standing.Head))
	p.Pause(t)
	defer p.Continue(t)
	_, created, err := s.Create(ctx, "key", record("mine"))
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.False(t, created)
	_, replaced, err := s.Replace(ctx, "there", standing.Version, record("next"))
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.False(t, replaced)
	assert.GreaterOrEqual(t, w.lost.Load(), int64(3))
}
