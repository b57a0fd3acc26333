//go:build unix

package testserver

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
)

// RedisCluster starts a private Cluster of three masters, and returns the
// addresses of its nodes. Args are added to their command line.
func RedisCluster(t testing.TB, args ...string) (addrs []string, nodes []*Process) {
	t.Helper()
	const masters, slots = 3, 16384
	binary := redisBinary(t)
	var meetings []string
	for range masters {
		bus := freePort(t)
		addr, p := startRedis(t, binary, append([]string{
			"--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-node-timeout", "2000",
		}, args...)...)
		addrs, nodes = append(addrs, addr), append(nodes, p)
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			t.Fatalf("testserver: %v", err)
		}
		meetings = append(meetings, strings.Join([]string{"CLUSTER MEET", host, port, bus}, " "))
	}
	for i, addr := range addrs {
		share := fmt.Sprintf("CLUSTER ADDSLOTSRANGE %d %d", i*slots/masters, (i+1)*slots/masters-1)
		for _, command := range append([]string{share}, meetings[:i]...) {
			if err := says(t.Context(), addr, command, "OK"); err != nil {
				t.Fatalf("testserver: %v", err)
			}
		}
	}
	for _, addr := range addrs {
		until(t, func(ctx context.Context) error {
			return says(ctx, addr, "CLUSTER INFO", "cluster_state:ok", fmt.Sprintf("cluster_known_nodes:%d", masters))
		})
	}
	return addrs, nodes
}
