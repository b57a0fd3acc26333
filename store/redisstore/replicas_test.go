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
	c := redisstore.Config{Prefix: newPrefix(), Replicas: 1, ReplicaTimeout: 200 * time.Millisecond}
	s, ctx := newStore(t, newClient(t, url), c), context.Background()
	behind := newClient(t, replica)
	for range 20 {
		r := mustCreate(t, s, "key", record("r"))
		require.EqualValues(t, 1, behind.Exists(ctx, c.Prefix+"key").Val(), "it is there when Create returns")
		r = mustReplace(t, s, "key", r.Version, record("next"))
		deleted, err := s.Delete(ctx, "key", r.Version)
		require.NoError(t, err)
		require.True(t, deleted)
		require.EqualValues(t, 28, behind.StrLen(ctx, c.Prefix+"key").Val())
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
		_, created, err := s.Create(ctx, "together", record("r"))
		return err == nil && created || err == nil
	}, "the replica is back")
}
