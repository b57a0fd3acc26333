//go:build unix

package servertest_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/concordhttp/concord/internal/testserver"
	"github.com/concordhttp/concord/store/linearize"
)

// TestLinearizable takes 100,000 steps on a single server, and fewer on a
// Cluster, where each key is on one server too.
func TestLinearizable(t *testing.T) {
	operations := 100_000
	if testing.Short() {
		operations = 5_000
	}
	t.Run("a single server", func(t *testing.T) {
		url, _ := testserver.PrivateRedis(t, "--appendfsync", "no")
		linearize.Check(t, newStore(t, newClient(t, address(t, url)), 0), linearize.Options{Operations: operations})
	})
	t.Run("a cluster", func(t *testing.T) {
		addrs, _ := testserver.RedisCluster(t, "--appendfsync", "no")
		client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs, ContextTimeoutEnabled: true})
		t.Cleanup(func() { _ = client.Close() })
		linearize.Check(t, newStore(t, client, 0), linearize.Options{Operations: operations / 5, Keys: 8})
	})
}
