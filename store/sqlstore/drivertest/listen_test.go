package drivertest

import (
	"context"
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

func TestConformanceOfListening(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store { return pgxPostgres.fresh(t, listens) })
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
