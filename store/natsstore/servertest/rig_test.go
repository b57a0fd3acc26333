package servertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/natsstore"
	"github.com/concordhttp/concord/store/storetest"
)

// bucketNumber tells the buckets of one process apart, and its id those of
// several.
var bucketNumber atomic.Int64

func newBucket() string { return fmt.Sprintf("test_%d_%d", os.Getpid(), bucketNumber.Add(1)) }

// address returns the server that tests share: that of CONCORD_TEST_NATS, which
// must be new enough, or one in this process.
func address(t *testing.T) string {
	t.Helper()
	if url := given(t); url != "" {
		return url
	}
	return Start(t).URL()
}

// fastAddress is address for much work: one in a process of its own is not slowed
// down by the race detector.
func fastAddress(t *testing.T) string {
	t.Helper()
	if url := given(t); url != "" {
		return url
	}
	return StartProcess(t).URL()
}

// given returns the server of CONCORD_TEST_NATS, if there is one.
func given(t *testing.T) string {
	t.Helper()
	url := os.Getenv("CONCORD_TEST_NATS")
	if url == "" {
		return ""
	}
	conn := ConnectURL(t, url)
	var major, minor int
	_, err := fmt.Sscanf(conn.ConnectedServerVersion(), "%d.%d", &major, &minor)
	require.NoError(t, err)
	if major < 2 || major == 2 && minor < 11 {
		why := fmt.Sprintf("the server of CONCORD_TEST_NATS is %s, and messages have times to live of their own since 2.11", conn.ConnectedServerVersion())
		if os.Getenv("CONCORD_TEST_REQUIRE") == "1" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	return url
}

// open makes a bucket of the test's own, which goes with it.
func open(t *testing.T, c natsstore.Config) *natsstore.Store {
	t.Helper()
	s, _ := openNamed(t, c)
	return s
}

func openNamed(t *testing.T, c natsstore.Config) (s *natsstore.Store, name string) {
	t.Helper()
	c.Bucket = newBucket()
	s, err := natsstore.New(c)
	require.NoError(t, err)
	for deadline := time.Now().Add(Patience); ; { // a new cluster may lose what it is asked
		if err = s.Migrate(t.Context()); !errors.Is(err, store.ErrUnavailable) || time.Now().After(deadline) {
			break
		}
	}
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = s.Close()
		ctx, cancel := context.WithTimeout(context.Background(), Patience)
		defer cancel()
		js, err := jetstream.New(c.Conn)
		if err == nil && c.Conn.IsConnected() {
			_ = js.DeleteStream(ctx, "KV_"+c.Bucket)
		}
	})
	return s, c.Bucket
}

// opener opens stores of one configuration on one connection.
func opener(conn *nats.Conn, c natsstore.Config) storetest.Open {
	c.Conn = conn
	return func(t *testing.T) store.Store { t.Helper(); return open(t, c) }
}

// record is one that can be told by its nonce.
func record(nonce string, ttl time.Duration) store.Record {
	return store.Record{Head: []byte(nonce), Body: []byte("body of " + nonce), TTL: ttl}
}

// bucket is the stream behind a store, for what the store does not do.
type bucket struct {
	jetstream.Stream
	js   jetstream.JetStream
	name string
}

func stream(t *testing.T, conn *nats.Conn, name string) bucket {
	t.Helper()
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	s, err := js.Stream(t.Context(), "KV_"+name)
	require.NoError(t, err)
	return bucket{s, js, name}
}

// connectTo connects to servers in processes of their own.
func connectTo(t *testing.T, all []*Process) *nats.Conn {
	t.Helper()
	var urls []string
	for _, p := range all {
		urls = append(urls, p.URL())
	}
	return ConnectURL(t, strings.Join(urls, ","))
}
