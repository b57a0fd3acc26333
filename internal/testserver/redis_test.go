//go:build unix

package testserver

import (
	"context"
	"io"
	"net"
	"runtime"
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

// failing is a test that fails where this one must not.
type failing struct {
	testing.TB
	failed bool
}

func (f *failing) Fatalf(string, ...any) { f.failed = true; runtime.Goexit() }

func TestAServerThatRunsIsNotStartedAgain(t *testing.T) {
	url, p := PrivateRedis(t)
	pid := p.cmd.Process.Pid
	f, done := &failing{TB: t}, make(chan struct{})
	go func() {
		defer close(done)
		p.Start(f)
	}()
	<-done
	assert.True(t, f.failed)
	assert.Equal(t, pid, p.cmd.Process.Pid, "it is known still, and ends with the test")
	addr := strings.TrimSuffix(strings.TrimPrefix(url, "redis://"), "/0")
	assert.NoError(t, says(context.Background(), addr, "PING", "PONG"))
}

func TestAnEmptyReplyIsAnError(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err == nil {
			_, _ = io.WriteString(c, "\r\n")
			_ = c.Close()
		}
	}()
	_, err = ask(context.Background(), l.Addr().String(), "PING")
	require.Error(t, err)
	<-done
}
