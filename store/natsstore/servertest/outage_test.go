package servertest

import (
	"context"
	"net"
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

// everyMethod calls each method of s once, and returns their errors.
func everyMethod(ctx context.Context, s *natsstore.Store) map[string]error {
	errs := map[string]error{}
	_, _, errs["Get"] = s.Get(ctx, "key")
	_, _, errs["Create"] = s.Create(ctx, "key", record("r", time.Hour))
	_, _, errs["Replace"] = s.Replace(ctx, "key", 1, record("r", time.Hour))
	_, errs["Delete"] = s.Delete(ctx, "key", 1)
	errs["Watch"] = s.Watch(ctx, "key", 1)
	errs["Migrate"] = s.Migrate(ctx)
	errs["Check"] = s.Check(ctx)
	return errs
}

// TestOutageIsUnavailable: what cannot be reached, or does not answer, is said to
// be unavailable within the configured time, and is used again when it is back.
func TestOutageIsUnavailable(t *testing.T) {
	t.Parallel()
	const limit = 200 * time.Millisecond
	server := Start(t)
	wire := proxy(t, server)
	conn := ConnectURL(t, wire.url())
	s := open(t, natsstore.Config{Conn: conn, Timeout: limit})
	works := func() {
		t.Helper()
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			r, created, err := s.Create(t.Context(), "works", record("r", time.Hour))
			require.NoError(c, err)
			_, err = s.Delete(t.Context(), "works", r.Version)
			require.NoError(c, err)
			require.True(c, created)
		}, Patience, 10*time.Millisecond)
	}
	fails := func(t *testing.T) {
		t.Helper()
		for method, err := range everyMethod(t.Context(), s) {
			require.ErrorIs(t, err, store.ErrUnavailable, method)
			require.NotErrorIs(t, err, context.DeadlineExceeded, "%s: that of the caller has not passed", method)
		}
	}
	ends := func(t *testing.T) {
		t.Helper()
		cancelled, cancel := context.WithTimeout(t.Context(), limit/10)
		defer cancel()
		_, _, err := s.Create(cancelled, "other", record("r", time.Hour))
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
	works()
	t.Run("silent", func(t *testing.T) {
		wire.silence(true)
		fails(t)
		ends(t)
		wire.silence(false)
		works()
	})
	t.Run("stopped", func(t *testing.T) {
		server.Stop()
		fails(t)
		ends(t)
		server.Start(t)
		works()
	})
	t.Run("without the bucket", func(t *testing.T) {
		c := natsstore.Config{Conn: conn, Bucket: newBucket(), Timeout: limit}
		other, err := natsstore.New(c)
		require.NoError(t, err)
		for method, err := range everyMethod(t.Context(), other) {
			if method != "Migrate" && method != "Check" {
				require.ErrorIs(t, err, store.ErrUnavailable, method)
			}
		}
	})
	t.Run("closed", func(t *testing.T) {
		conn.Close()
		fails(t)
	})
}

// TestLostReplies: of a write whose reply was lost nobody knows whether it
// happened; sent again it is recognised by its nonce.
func TestLostReplies(t *testing.T) {
	wire := proxy(t, Start(t))
	s := open(t, natsstore.Config{Conn: ConnectURL(t, wire.url()), Timeout: 300 * time.Millisecond})
	_, _, err := s.Create(t.Context(), "other", record("r", time.Hour)) // it knows the room from now on
	require.NoError(t, err)
	mute := func(step func() error) {
		t.Helper()
		wire.mute(true)
		require.ErrorIs(t, step(), store.ErrUnavailable)
		wire.mute(false)
	}
	mute(func() error { _, _, err := s.Create(t.Context(), "key", record("mine", time.Hour)); return err })
	shown, created, err := s.Create(t.Context(), "key", record("mine", time.Hour))
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, "mine", string(shown.Head), "it happened")

	mute(func() error {
		_, _, err := s.Replace(t.Context(), "key", shown.Version, record("next", time.Hour))
		return err
	})
	next, replaced, err := s.Replace(t.Context(), "key", shown.Version, record("next", time.Hour))
	require.NoError(t, err)
	require.False(t, replaced)
	require.Equal(t, "next", string(next.Head))

	mute(func() error { _, err := s.Delete(t.Context(), "key", next.Version); return err })
	_, found, err := s.Get(t.Context(), "key")
	require.NoError(t, err)
	require.False(t, found)
}

// TestReadsAreAskedAgain: a read whose reply was lost does not wait for it for all
// of its time.
func TestReadsAreAskedAgain(t *testing.T) {
	wire := proxy(t, Start(t))
	s := open(t, natsstore.Config{Conn: ConnectURL(t, wire.url()), Timeout: 2 * time.Second})
	_, _, err := s.Create(t.Context(), "key", record("r", time.Hour))
	require.NoError(t, err)
	wire.mute(true)
	defer time.AfterFunc(200*time.Millisecond, func() { wire.mute(false) }).Stop()
	_, found, err := s.Get(t.Context(), "key")
	require.NoError(t, err)
	require.True(t, found)
}

// wire is a way to a server that can lose what goes over it.
type wire struct {
	net.Listener
	to string

	mu            sync.Mutex
	silent, muted bool
	lifted        *sync.Cond
	conns         []net.Conn
}

func proxy(t *testing.T, s *Server) *wire {
	t.Helper()
	return proxyTo(t, strings.TrimPrefix(s.URL(), "nats://"))
}

func proxyTo(t *testing.T, addr string) *wire {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{Listener: l, to: addr}
	w.lifted = sync.NewCond(&w.mu)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			w.mu.Lock()
			to := w.to
			w.mu.Unlock()
			server, err := net.Dial("tcp", to)
			if err != nil {
				_ = client.Close()
				continue
			}
			w.mu.Lock()
			w.conns = append(w.conns, client, server)
			w.mu.Unlock()
			running.Go(func() { w.pass(server, client, func() bool { return false }) })
			running.Go(func() { w.pass(client, server, func() bool { return w.muted }) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		w.silence(false)
		w.lead("")
		running.Wait()
	})
	return w
}

func (w *wire) url() string { return "nats://" + w.Addr().String() }

// lead ends all connections, and has those to come go elsewhere.
func (w *wire) lead(to string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.to = to
	for _, c := range w.conns {
		_ = c.Close()
	}
	w.conns = nil
}

// silence holds everything up, or lets it go on.
func (w *wire) silence(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.silent = on
	w.lifted.Broadcast()
}

// mute throws away what the server sends.
func (w *wire) mute(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.muted = on
}

func (w *wire) pass(to, from net.Conn, lost func() bool) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		w.mu.Lock()
		for w.silent {
			w.lifted.Wait()
		}
		drop := lost()
		w.mu.Unlock()
		if n > 0 && !drop {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// TestNothingIsSentLate: a write whose caller has given up, because there was no
// connection, is not sent when there is one, also by a client that would.
func TestNothingIsSentLate(t *testing.T) {
	server := Start(t)
	conn := ConnectURL(t, server.URL(), nats.ReconnectBufSize(nats.DefaultReconnectBufSize))
	s := open(t, natsstore.Config{Conn: conn, Timeout: 200 * time.Millisecond})
	_, _, err := s.Create(t.Context(), "before", record("r", time.Hour))
	require.NoError(t, err)
	server.Stop()
	require.Eventually(t, func() bool { return !conn.IsConnected() }, Patience, time.Millisecond)
	_, _, err = s.Create(t.Context(), "late", record("r", time.Hour))
	require.ErrorIs(t, err, store.ErrUnavailable)
	server.Start(t)
	require.Eventually(t, conn.IsConnected, Patience, time.Millisecond)
	require.NoError(t, conn.Flush())
	_, found, err := s.Get(t.Context(), "late")
	require.NoError(t, err)
	require.False(t, found)
}
