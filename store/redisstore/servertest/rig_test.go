//go:build unix

package servertest_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/internal/testserver"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/redisstore"
)

// limit is the store's CallTimeout in these tests. What has to be over within it
// gets much longer, since what counts is that there is a bound.
const limit, generous = 150 * time.Millisecond, 20 * time.Second

var prefixes atomic.Int64

func newClient(t testing.TB, addr string) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// address is that of the server at url.
func address(t testing.TB, url string) string {
	t.Helper()
	o, err := redis.ParseURL(url)
	require.NoError(t, err)
	return o.Addr
}

func newStore(t testing.TB, client redis.UniversalClient, callTimeout time.Duration) *redisstore.Store {
	t.Helper()
	s, err := redisstore.New(client, redisstore.Config{
		Prefix:      fmt.Sprintf("servertest %d %d:", os.Getpid(), prefixes.Add(1)),
		CallTimeout: callTimeout,
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// network is a proxy in front of a server, whose connections can be harmed.
type network struct {
	t     testing.TB
	proxy *toxiproxy.Proxy
}

// newNetwork starts one that ends with the test.
func newNetwork(t testing.TB, server string) *network {
	t.Helper()
	p := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "redis", "127.0.0.1:0", server)
	require.NoError(t, p.Start())
	t.Cleanup(p.Stop)
	return &network{t, p}
}

func (n *network) addr() string { return n.proxy.Listen }

// harm harms every connection, those that are there and those to come: with a
// toxic of toxiproxy, its attributes in JSON, on the way up or downstream.
func (n *network) harm(toxic, stream, attributes string) {
	n.t.Helper()
	_, err := n.proxy.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(
		`{"name": %q, "type": %q, "stream": %q, "attributes": {%s}}`, toxic+" "+stream, toxic, stream, attributes)))
	require.NoError(n.t, err)
}

// heal ends all harm.
func (n *network) heal() { n.proxy.Toxics.ResetToxics(context.Background()) }

func record(nonce string) store.Record {
	return store.Record{Head: []byte(nonce), Body: []byte("body of " + nonce), TTL: time.Hour}
}

// eventually waits until f holds.
func eventually(t testing.TB, f func() bool, what string) {
	t.Helper()
	for began := time.Now(); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > testserver.Patience {
			require.Fail(t, "never: "+what)
		}
	}
}
