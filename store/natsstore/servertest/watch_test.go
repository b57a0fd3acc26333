package servertest

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/natsstore"
)

// watching starts n watchers of a version, waits until they listen, and returns
// where they say what ended them.
func watching(ctx context.Context, t *testing.T, s *natsstore.Store, conn *nats.Conn, n int, key string, version uint64) <-chan error {
	t.Helper()
	subscribed := conn.NumSubscriptions()
	ended := make(chan error, n)
	for range n {
		go func() { ended <- s.Watch(ctx, key, version) }()
	}
	require.Eventually(t, func() bool { return conn.NumSubscriptions() > subscribed }, Patience, time.Millisecond)
	require.NoError(t, conn.Flush())
	time.Sleep(20 * time.Millisecond) // until they have read it, most likely
	return ended
}

func endsWith(t *testing.T, ended <-chan error, n int, want error) {
	t.Helper()
	for range n {
		select {
		case err := <-ended:
			require.ErrorIs(t, err, want)
		case <-time.After(Patience):
			require.Fail(t, "a watcher still sleeps")
		}
	}
}

func TestWatchersShareASubscriptionAndGiveItBack(t *testing.T) {
	conn := ConnectURL(t, address(t))
	s := open(t, natsstore.Config{Conn: conn})
	r, _, err := s.Create(t.Context(), "watched", record("first", time.Hour))
	require.NoError(t, err)
	before, goroutines := conn.NumSubscriptions(), running()
	const n = 20
	ended := watching(t.Context(), t, s, conn, n, "watched", r.Version)
	require.Equal(t, before+1, conn.NumSubscriptions())
	r, _, err = s.Replace(t.Context(), "watched", r.Version, record("second", time.Hour))
	require.NoError(t, err)
	endsWith(t, ended, n, nil)

	ctx, cancel := context.WithCancel(t.Context())
	ended = watching(ctx, t, s, conn, n, "watched", r.Version)
	cancel()
	endsWith(t, ended, n, context.Canceled)

	ended = watching(t.Context(), t, s, conn, n, "watched", r.Version)
	require.NoError(t, s.Close())
	endsWith(t, ended, n, store.ErrClosed)
	require.Equal(t, before, conn.NumSubscriptions())
	require.True(t, conn.IsConnected(), "the connection is the caller's")
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		assert.Equal(c, goroutines, running())
	}, Patience, 10*time.Millisecond)
}

// running counts the goroutines of stores, and of what they subscribed to on
// their connections. The server has hundreds of its own here.
func running() int {
	buffer := make([]byte, 4<<20)
	stacks := string(buffer[:runtime.Stack(buffer, true)])
	return strings.Count(stacks, "natsstore.(*Store)") + strings.Count(stacks, "created by github.com/nats-io/nats%2ego.(*Conn).subscribe")
}

func TestWatchWakesWhenTheConnectionIsBack(t *testing.T) {
	server := Start(t)
	conn := Connect(t, server)
	s := open(t, natsstore.Config{Conn: conn})
	r, _, err := s.Create(t.Context(), "watched", record("first", time.Hour))
	require.NoError(t, err)
	ended := watching(t.Context(), t, s, conn, 4, "watched", r.Version)
	server.Stop()
	server.Start(t)
	endsWith(t, ended, 4, nil)
}

func TestWatchersAreBounded(t *testing.T) {
	conn := ConnectURL(t, address(t))
	s := open(t, natsstore.Config{Conn: conn, MaxWaiters: 2})
	r, _, err := s.Create(t.Context(), "watched", record("first", time.Hour))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := watching(ctx, t, s, conn, 2, "watched", r.Version)
	require.NoError(t, s.Watch(t.Context(), "watched", r.Version), "it is turned away after a while")
	late, stop := context.WithTimeout(t.Context(), time.Millisecond)
	defer stop()
	require.ErrorIs(t, s.Watch(late, "watched", r.Version), context.DeadlineExceeded)
	cancel()
	endsWith(t, ended, 2, context.Canceled)
}

// TestNewsThatIsLost: a bucket that tells nobody of changes is watched all the
// same, if slowly.
func TestNewsThatIsLost(t *testing.T) {
	t.Parallel()
	conn := ConnectURL(t, address(t))
	c := natsstore.Config{Conn: conn}
	s, name := openNamed(t, c)
	b := stream(t, conn, name)
	quiet := b.CachedInfo().Config
	quiet.RePublish = nil
	_, err := b.js.UpdateStream(t.Context(), quiet)
	require.NoError(t, err)
	r, _, err := s.Create(t.Context(), "watched", record("first", time.Hour))
	require.NoError(t, err)
	ended := watching(t.Context(), t, s, conn, 1, "watched", r.Version)
	_, err = s.Delete(t.Context(), "watched", r.Version)
	require.NoError(t, err)
	endsWith(t, ended, 1, nil)
}

// TestCloseLeavesNothingBehind: nothing runs on once a store is closed, however
// much it has done.
func TestCloseLeavesNothingBehind(t *testing.T) {
	conn := ConnectURL(t, address(t))
	s := open(t, natsstore.Config{Conn: conn})
	_, _, err := s.Get(t.Context(), "first") // the connection has its goroutines from now on
	require.NoError(t, err)
	goroutines := running()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 20 {
				key := fmt.Sprint(j % 4)
				r, _, err := s.Create(t.Context(), key, record(fmt.Sprint(i), time.Hour))
				assert.NoError(t, err)
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				_ = s.Watch(ctx, key, r.Version)
				cancel()
				_, err = s.Delete(t.Context(), key, r.Version)
				assert.NoError(t, err)
			}
		})
	}
	all.Wait()
	require.NoError(t, s.Close())
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		assert.Equal(c, goroutines, running())
	}, Patience, 10*time.Millisecond)
}
