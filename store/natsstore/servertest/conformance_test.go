package servertest

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/natsstore"
	"github.com/concordhttp/concord/store/storetest"
)

// The unit and the grain that the suite counts with. What the store itself may
// be off by is 5 ms and the time of an answer; the rest is for slow machines.
const (
	unit  = 300 * time.Millisecond
	grain = 30 * time.Millisecond
)

// TestConformance runs the suite on one server and on three, of which any may
// lead.
func TestConformance(t *testing.T) {
	t.Parallel()
	t.Run("one server", func(t *testing.T) {
		t.Parallel()
		if url := given(t); url != "" {
			suite(t, ConnectURL(t, url), natsstore.Config{})
			return
		}
		p := StartProcess(t)
		suite(t, ConnectURL(t, p.URL()), natsstore.Config{}, p)
	})
	t.Run("three servers", func(t *testing.T) {
		t.Parallel()
		if testing.Short() {
			t.Skip("the same on three servers takes longer")
		}
		all := StartProcesses(t, 3)
		suite(t, connectTo(t, all), natsstore.Config{Replicas: 3, MaxSkew: time.Nanosecond}, all...)
	})
}

// suite runs on the servers that conn connects to. Those that it may kill are
// killed for the checks of a restart.
func suite(t *testing.T, conn *nats.Conn, c natsstore.Config, mayKill ...*Process) {
	t.Helper()
	c.Conn = conn
	var latest string // the bucket that was opened last
	opened := func(t *testing.T) (s store.Store) {
		t.Helper()
		s, latest = openNamed(t, c)
		return s
	}
	const most = 40
	bodies, records := c, c
	bodies.MaxBytes = 1 << 16
	records.MaxRecords, records.Grace = most, time.Millisecond
	options := []storetest.Option{
		storetest.WithClock(unit, grain),
		storetest.WithRoomForBodies(bodies.MaxBytes, opener(conn, bodies)),
		storetest.WithRoomForRecords(most, func(t *testing.T) store.Store {
			return emptied{opener(conn, records)(t)}
		}),
		storetest.WithRepeatedDelivery(func(t *testing.T) store.Store { return twice{opener(conn, c)(t)} }),
	}
	if len(mayKill) > 0 {
		options = append(options, storetest.WithRestart(func(t *testing.T, before store.Store) store.Store {
			require.NoError(t, before.(*natsstore.Store).Close())
			for _, p := range mayKill {
				p.Kill()
			}
			for _, p := range mayKill {
				p.begin(t)
			}
			again := c
			again.Bucket = latest
			s, err := natsstore.New(again)
			require.NoError(t, err)
			require.Eventually(t, func() bool {
				_, _, err := s.Get(t.Context(), "whether there is a leader")
				return err == nil
			}, Patience, time.Millisecond)
			return s
		}))
	}
	storetest.Run(t, opened, options...)
}

// emptied is a store whose server collects its garbage by itself; Sweep waits
// until it must have.
type emptied struct{ store.Store }

// Sweep waits for what has outlived a grace of next to nothing: the server
// counts in seconds, and looks every second.
func (emptied) Sweep(context.Context) (removed int, err error) {
	time.Sleep(2500 * time.Millisecond)
	return 0, nil
}

// twice delivers each call twice and returns the second reply, as a client
// library does that repeats a call whose first reply was lost.
type twice struct{ store.Store }

func (t twice) Create(ctx context.Context, key string, r store.Record) (store.Record, bool, error) {
	_, _, _ = t.Store.Create(ctx, key, r)
	return t.Store.Create(ctx, key, r)
}

func (t twice) Replace(ctx context.Context, key string, version uint64, r store.Record) (store.Record, bool, error) {
	_, _, _ = t.Store.Replace(ctx, key, version, r)
	return t.Store.Replace(ctx, key, version, r)
}

func (t twice) Delete(ctx context.Context, key string, version uint64) (bool, error) {
	_, _ = t.Store.Delete(ctx, key, version)
	return t.Store.Delete(ctx, key, version)
}

// TestVersionsGrowAcrossRestart runs the check of that name on a server that is
// really stopped and started again on its files.
func TestVersionsGrowAcrossRestart(t *testing.T) {
	s := Start(t)
	conn := Connect(t, s)
	records := open(t, natsstore.Config{Conn: conn})
	last := map[string]uint64{}
	for _, key := range []string{"stands", "deleted", "replaced"} {
		r, created, err := records.Create(t.Context(), key, record("before", time.Hour))
		require.NoError(t, err)
		require.True(t, created)
		last[key] = r.Version
	}
	deleted, err := records.Delete(t.Context(), "deleted", last["deleted"])
	require.NoError(t, err)
	require.True(t, deleted)

	s.Stop()
	s.Start(t)
	shown, created, err := records.Create(t.Context(), "stands", record("after", time.Hour))
	require.NoError(t, err, "it waits for the connection to come back")
	require.False(t, created)
	require.Equal(t, last["stands"], shown.Version)
	r, created, err := records.Create(t.Context(), "deleted", record("after", time.Hour))
	require.NoError(t, err)
	require.True(t, created)
	require.Greater(t, r.Version, last["deleted"]+1, "the tombstone has a sequence too")
	r, replaced, err := records.Replace(t.Context(), "replaced", last["replaced"], record("after", time.Hour))
	require.NoError(t, err)
	require.True(t, replaced)
	require.Greater(t, r.Version, last["replaced"])
}

// TestVersionsGrowAcrossANewBucket: what was deleted with all its records goes on
// where it was.
func TestVersionsGrowAcrossANewBucket(t *testing.T) {
	conn := ConnectURL(t, address(t))
	c := natsstore.Config{Conn: conn, Bucket: newBucket()}
	var last uint64
	for range 3 {
		s, err := natsstore.New(c)
		require.NoError(t, err)
		require.NoError(t, s.Migrate(t.Context()))
		for range 10 {
			r, created, err := s.Create(t.Context(), "key", record("r", time.Hour))
			require.NoError(t, err)
			require.True(t, created)
			require.Greater(t, r.Version, last)
			last = r.Version
			_, err = s.Delete(t.Context(), "key", r.Version)
			require.NoError(t, err)
		}
		require.NoError(t, stream(t, conn, c.Bucket).js.DeleteStream(t.Context(), "KV_"+c.Bucket))
	}
}
