//go:build unix

package testserver

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAPrivateServerCanBeKilledPausedAndStartedAgain(t *testing.T) {
	url, p := PrivateRedis(t)
	addr := strings.TrimSuffix(strings.TrimPrefix(url, "redis://"), "/0")
	require.NoError(t, says(context.Background(), addr, "PING", "PONG"))

	p.Kill(t)
	require.Error(t, says(context.Background(), addr, "PING", "PONG"))
	p.Kill(t) // what has ended stays ended

	p.Start(t)
	require.NoError(t, says(context.Background(), addr, "PING", "PONG"))
	p.Pause(t)
	assert.Error(t, says(context.Background(), addr, "PING", "PONG"), "a paused server answers nothing")
	p.Continue(t)
	assert.NoError(t, says(context.Background(), addr, "PING", "PONG"))
	p.Stop(t)
	assert.Error(t, says(context.Background(), addr, "PING", "PONG"))
}

func TestSentinelsReplaceAMasterThatIsKilled(t *testing.T) {
	s := RedisSentinels(t, 1)
	replica := strings.TrimSuffix(strings.TrimPrefix(s.URLs[1], "redis://"), "/0")
	require.NoError(t, says(context.Background(), replica, "INFO replication", "role:slave"))
	s.Nodes[0].Kill(t)
	until(t, func(ctx context.Context) error { return says(ctx, replica, "INFO replication", "role:master") })
}

func TestAClusterHasAllSlots(t *testing.T) {
	addrs, _ := RedisCluster(t)
	for _, addr := range addrs {
		require.NoError(t, says(context.Background(), addr, "CLUSTER INFO", "cluster_slots_ok:16384", "cluster_size:3"))
	}
}
