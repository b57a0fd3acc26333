//go:build unix

package main

import (
	"context"
	"fmt"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/examples/storeurl"
)

// network is what lies between the payments servers and the store of a test: a
// proxy whose connections can be harmed.
type network struct {
	t     *testing.T
	proxy *toxiproxy.Proxy
}

// through returns the URL by which the store at source is reached through a
// network of the test's own.
func through(t *testing.T, source string) (string, *network) {
	t.Helper()
	u, err := url.Parse(source)
	require.NoError(t, err)
	p := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "store", "127.0.0.1:0", u.Host)
	require.NoError(t, p.Start())
	t.Cleanup(p.Stop)
	u.Host = p.Listen
	return u.String(), &network{t, p}
}

// harm harms every connection, those that are there and those to come, by a
// toxic of toxiproxy with its attributes in JSON. The stream is what the store
// sends (downstream) or gets (upstream).
func (n *network) harm(toxic, stream, attributes string) {
	n.t.Helper()
	_, err := n.proxy.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(
		`{"name": %q, "type": %q, "stream": %q, "attributes": {%s}}`, toxic+" "+stream, toxic, stream, attributes)))
	require.NoError(n.t, err)
}

// heal ends all harm.
func (n *network) heal() { n.proxy.Toxics.ResetToxics(context.Background()) }

// newShop starts servers in this process. When the test has ended, neither they
// nor the store's client have left a goroutine.
func newShop(t *testing.T, source string, m mode, servers int) *shop {
	t.Helper()
	before := len(inTheClient()) // the test's own connections
	t.Cleanup(func() { nothingIsLeft(t, before) })
	o := options{store: source, mode: m, ledger: filepath.Join(t.TempDir(), "ledger"), lease: time.Second}
	s := &shop{id: "shop"}
	for range servers {
		opened, err := storeurl.Open(t.Context(), o.store)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, opened.Close()) })
		h, err := newHandler(t.Context(), o, opened)
		require.NoError(t, err)
		listening := httptest.NewServer(h)
		t.Cleanup(listening.Close)
		t.Cleanup(client.CloseIdleConnections)
		s.servers = append(s.servers, &server{base: listening.URL})
	}
	return s
}

// nothingIsLeft waits until no more goroutines than before are in the store's
// client, or in Concord.
func nothingIsLeft(t *testing.T, before int) {
	t.Helper()
	var left []string
	for range 3000 {
		if left = inTheClient(); len(left) <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	require.Fail(t, "goroutines were left behind", "%s", strings.Join(left, "\n\n"))
}

var clientPackages = []string{
	"database/sql.", "jackc/pgx", "go-sql-driver/mysql.", "redis/go-redis", "nats-io/nats.go",
	"concord/store", "concord/idempotency.", "concord/etag.",
}

func inTheClient() (found []string) {
	stacks := make([]byte, 4<<20)
	for _, one := range strings.Split(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
		isClient := func(part string) bool { return strings.Contains(one, part) }
		if slices.ContainsFunc(clientPackages, isClient) && !isClient("testing.tRunner") {
			found = append(found, one)
		}
	}
	return found
}
