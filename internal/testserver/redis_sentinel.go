//go:build unix

package testserver

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// SentinelMaster is the name of the master that sentinels watch.
const SentinelMaster = "concord"

// Sentinels is a private master with its replicas, and three sentinels that put
// one of these in the master's place a second after it has stopped to answer.
type Sentinels struct {
	Addrs []string   // of the sentinels
	Nodes []*Process // the first master, and then its replicas
	URLs  []string   // of the nodes
}

// RedisSentinels starts a master with so many replicas, and three sentinels. Args
// are added to the command line of the nodes.
func RedisSentinels(t testing.TB, replicas int, args ...string) *Sentinels {
	t.Helper()
	const sentinels = 3
	binary := redisBinary(t)
	s := &Sentinels{}
	node := func(args ...string) string {
		addr, p := startRedis(t, binary, args...)
		s.Nodes, s.URLs = append(s.Nodes, p), append(s.URLs, "redis://"+addr+"/0")
		return addr
	}
	master := node(args...)
	host, port, err := net.SplitHostPort(master)
	if err != nil {
		t.Fatalf("testserver: %v", err)
	}
	for range replicas {
		node(append(args[:len(args):len(args)], "--replicaof", host, port)...)
	}
	for range sentinels {
		s.Addrs = append(s.Addrs, startSentinel(t, binary, host, port))
	}
	for _, addr := range s.Addrs {
		settled := fmt.Sprintf("status=ok,address=%s,slaves=%d,sentinels=%d", master, replicas, sentinels)
		until(t, func(ctx context.Context) error { return says(ctx, addr, "INFO sentinel", settled) })
	}
	until(t, func(ctx context.Context) error {
		return says(ctx, master, "INFO replication", fmt.Sprintf("connected_slaves:%d", replicas), "state=online")
	})
	return s
}

// startSentinel starts a sentinel of the master at an address. It keeps what it
// learns in a file, which has to be its own.
func startSentinel(t testing.TB, binary, host, port string) (addr string) {
	t.Helper()
	own := freePort(t)
	addr = net.JoinHostPort("127.0.0.1", own)
	dir := t.TempDir()
	file := filepath.Join(dir, "sentinel.conf")
	text := fmt.Sprintf("bind 127.0.0.1\nport %[1]s\ndir %[2]s\nsentinel monitor %[3]s %[4]s %[5]s 2\n"+
		"sentinel down-after-milliseconds %[3]s 1000\nsentinel failover-timeout %[3]s 5000\n",
		own, dir, SentinelMaster, host, port)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatalf("testserver: %v", err)
	}
	start(t, program{
		binary: binary,
		args:   []string{file, "--sentinel"},
		ready:  func(ctx context.Context) error { return says(ctx, addr, "PING", "PONG") },
	})
	return addr
}

// until waits until settled returns nil.
func until(t testing.TB, settled func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	for {
		err := settled(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("testserver: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
