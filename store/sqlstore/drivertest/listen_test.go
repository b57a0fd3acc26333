package drivertest

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/sqlstore"
	"github.com/concordhttp/concord/store/storetest"
)

// pgxListen is the Listen of pgx.
func pgxListen(ctx context.Context, driverConn any) (string, error) {
	n, err := driverConn.(*stdlib.Conn).Conn().WaitForNotification(ctx)
	if err != nil {
		return "", err
	}
	return n.Payload, nil
}

// listens has a store listen, and poll so seldom that it does not count.
func listens(c *sqlstore.Config) {
	c.Listen, c.PollMin, c.PollMax = pgxListen, 200*time.Millisecond, time.Minute
}

// TestConformanceOfListening runs the suite on a store that listens, on a
// PostgreSQL whose clock the test sets.
func TestConformanceOfListening(t *testing.T) {
	t.Parallel()
	clocks := map[store.Store]string{}
	storetest.Run(t,
		func(t *testing.T) store.Store {
			source := steppedSource(t)
			s := pgxPostgres.store(t, pgxPostgres.open(t, source), listens)
			clocks[s] = source
			return s
		},
		storetest.WithClockStep(func(t *testing.T, s store.Store, by time.Duration) {
			execute(t, "pgx", clocks[s], fmt.Sprintf("UPDATE step SET by = by + '%d seconds'::interval", int(by.Seconds())))
		}))
}

// steppedSource is a place with a clock_timestamp of its own, which the table step
// sets forward and back.
func steppedSource(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(pgxPostgres.source(t))
	require.NoError(t, err)
	execute(t, "pgx", u.String(), "CREATE TABLE step (by interval)")
	execute(t, "pgx", u.String(), "INSERT INTO step VALUES ('0')")
	execute(t, "pgx", u.String(), `CREATE FUNCTION clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE plpgsql AS
		$$ BEGIN RETURN pg_catalog.clock_timestamp() + (SELECT by FROM step); END $$`)
	q := u.Query()
	q.Set("search_path", q.Get("search_path")+",pg_catalog")
	u.RawQuery = q.Encode()
	return u.String()
}

// heard waits until watchers of s are woken by notifications alone.
func heard(t *testing.T, s *sqlstore.Store, listening *atomic.Int64) {
	t.Helper()
	require.Eventually(t, func() bool { return listening.Load() > 1 }, 10*time.Second, 5*time.Millisecond, "it listens")
}

func TestChangesAreHeardOnOneConnection(t *testing.T) {
	t.Parallel()
	var listening atomic.Int64
	s := pgxPostgres.fresh(t, func(c *sqlstore.Config) {
		listens(c)
		c.PollMin = time.Minute
		c.Listen = func(ctx context.Context, driverConn any) (string, error) {
			listening.Add(1)
			return pgxListen(ctx, driverConn)
		}
	})
	ctx := t.Context()
	r, _, err := s.Create(ctx, "k", store.Record{Head: []byte("1"), TTL: time.Hour})
	require.NoError(t, err)
	first, cancel := context.WithCancel(ctx) // makes it listen
	defer cancel()
	go func() { _ = s.Watch(first, "another", r.Version); _ = s.Watch(first, "k", r.Version) }()
	heard(t, s, &listening)

	woken := make(chan error, 64)
	for range cap(woken) {
		go func() { woken <- s.Watch(ctx, "k", r.Version) }()
	}
	time.Sleep(300 * time.Millisecond) // so that most of them wait; those who come late see the change
	began := time.Now()
	_, replaced, err := s.Replace(ctx, "k", r.Version, store.Record{Head: []byte("2"), TTL: time.Hour})
	require.NoError(t, err)
	require.True(t, replaced)
	for range cap(woken) {
		require.NoError(t, <-woken)
	}
	assert.Less(t, time.Since(began), 4*time.Second, "neither a poll nor a look in between has told them")
}

// Behind a pooler that breaks LISTEN nothing is heard: watchers poll.
func TestWatchPollsWhereNothingIsHeard(t *testing.T) {
	t.Parallel()
	s := pgxPostgres.fresh(t, func(c *sqlstore.Config) {
		c.PollMax = 20 * time.Millisecond
		c.Listen = func(ctx context.Context, _ any) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}
	})
	r, _, err := s.Create(t.Context(), "k", store.Record{TTL: time.Hour})
	require.NoError(t, err)
	for range 3 {
		woken := make(chan error, 1)
		go func() { woken <- s.Watch(t.Context(), "k", r.Version) }()
		time.Sleep(100 * time.Millisecond)
		began := time.Now()
		r, _, err = s.Replace(t.Context(), "k", r.Version, store.Record{TTL: time.Hour})
		require.NoError(t, err)
		require.NoError(t, <-woken)
		assert.Less(t, time.Since(began), time.Second)
	}
}

// Nobody is notified of what nobody watches.
func TestNothingIsNotifiedUnlessSomebodyWatches(t *testing.T) {
	t.Parallel()
	quiet := func(c *sqlstore.Config) { c.Table = "quiet" } // a channel of its own: it has the name of the table, whatever the schema
	s := pgxPostgres.fresh(t, quiet)
	var mu sync.Mutex
	said := 0
	other := pgxPostgres.fresh(t, quiet, func(c *sqlstore.Config) {
		c.Listen = func(ctx context.Context, driverConn any) (string, error) {
			payload, err := pgxListen(ctx, driverConn)
			if _, no := strconv.ParseInt(payload, 10, 64); no == nil { // not an echo
				mu.Lock()
				defer mu.Unlock()
				said++
			}
			return payload, err
		}
	})
	heard := func() int {
		mu.Lock()
		defer mu.Unlock()
		return said
	}
	write := func(key string) { // in another schema: the watcher's record stays
		r, _, err := s.Create(t.Context(), key, store.Record{TTL: time.Hour})
		require.NoError(t, err)
		r, _, err = s.Replace(t.Context(), key, r.Version, store.Record{TTL: time.Hour})
		require.NoError(t, err)
		_, err = s.Delete(t.Context(), key, r.Version)
		require.NoError(t, err)
	}
	r, _, err := other.Create(t.Context(), "watched", store.Record{TTL: time.Hour})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	woken := make(chan error, 1)
	go func() { woken <- other.Watch(ctx, "watched", r.Version) }()
	for heard() == 0 { // until it listens
		write("watched")
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(500 * time.Millisecond) // what is on its way comes
	before := heard()
	for range 10 {
		write("unwatched")
	}
	write("watched") // the Replace, and the Delete
	assert.Eventually(t, func() bool { return heard() >= before+2 }, 10*time.Second, 10*time.Millisecond)
	time.Sleep(200 * time.Millisecond)
	assert.Equal(t, before+2, heard())
	cancel()
	require.Error(t, <-woken)
}
