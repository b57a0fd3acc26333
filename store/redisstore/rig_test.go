//go:build unix

package redisstore_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/redisstore"
	"github.com/concordhttp/concord/store/storetest"
)

var prefixes atomic.Int64

// newPrefix returns one that no other test of this or any other process uses.
func newPrefix() string {
	return fmt.Sprintf("concord test %d %d %d:", os.Getpid(), time.Now().UnixNano(), prefixes.Add(1))
}

// newClient returns a client of the server at url, closed with the test.
func newClient(t testing.TB, url string, change ...func(*redis.Options)) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	require.NoError(t, err)
	o.ContextTimeoutEnabled = true
	for _, f := range change {
		f(o)
	}
	client := redis.NewClient(o)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// newStore returns a store of its own, whose keys are removed with the test.
func newStore(t testing.TB, client redis.UniversalClient, c redisstore.Config) *redisstore.Store {
	t.Helper()
	if c.Prefix == "" {
		c.Prefix = newPrefix()
	}
	s, err := redisstore.New(client, c)
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = s.Close()
		removeKeys(client, c.Prefix)
	})
	return s
}

// opener opens stores on a client.
func opener(client redis.UniversalClient, c redisstore.Config) storetest.Open {
	return func(t *testing.T) store.Store {
		t.Helper()
		return newStore(t, client, c)
	}
}

// removeKeys removes what begins with the prefix, as far as the server can be
// reached.
func removeKeys(client redis.UniversalClient, prefix string) {
	remove := func(ctx context.Context, c *redis.Client) error {
		for keys := c.Scan(ctx, 0, prefix+"*", 1000).Iterator(); keys.Next(ctx); {
			_ = c.Unlink(ctx, keys.Val()).Err()
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	switch c := client.(type) {
	case *redis.ClusterClient:
		_ = c.ForEachMaster(ctx, remove)
	case *redis.Client:
		_ = remove(ctx, c)
	}
}

func record(nonce string) store.Record {
	return store.Record{Head: []byte(nonce), Body: []byte("body of " + nonce), TTL: time.Hour}
}

func mustCreate(t testing.TB, s store.Store, key string, r store.Record) store.Record {
	t.Helper()
	standing, created, err := s.Create(context.Background(), key, r)
	require.NoError(t, err)
	require.True(t, created)
	return standing
}

func mustReplace(t testing.TB, s store.Store, key string, version uint64, r store.Record) store.Record {
	t.Helper()
	standing, replaced, err := s.Replace(context.Background(), key, version, r)
	require.NoError(t, err)
	require.True(t, replaced)
	return standing
}

// aclSetUser is the command that makes a user with these permissions.
func aclSetUser(name, permissions string) []any {
	command := []any{"ACL", "SETUSER", name}
	for _, p := range strings.Fields(permissions) {
		command = append(command, p)
	}
	return command
}
