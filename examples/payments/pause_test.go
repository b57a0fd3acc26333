//go:build unix

package main

import (
	"context"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/examples/internal/teststore"
)

// A server is stopped for three leases in the middle of an order, which another
// one takes over, and then goes on where it was: what it does by then must come
// to nothing.
func TestAPausedServersLateWriteIsRefused(t *testing.T) {
	for _, c := range []struct {
		teststore.At
		mode mode
	}{
		{teststore.Postgres, transactional},
		{teststore.SQLite, transactional},
		{teststore.MariaDB, transactional},
		{teststore.Redis, refuse},
		{teststore.NATS, refuse},
	} {
		t.Run(c.Name+", "+string(c.mode), func(t *testing.T) {
			pauseInTheMiddle(t, options{
				store: c.URL(t), mode: c.mode, ledger: filepath.Join(t.TempDir(), "ledger"), lease: time.Second,
			})
		})
	}
}

func pauseInTheMiddle(t *testing.T, o options) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s := &shop{id: "pause"}
	t.Cleanup(s.close)
	for range 2 {
		one, err := startServer(ctx, o)
		require.NoError(t, err)
		s.servers = append(s.servers, one)
	}
	paused, other := s.servers[0], s.servers[1]
	const slow = 600 * time.Millisecond // half of it before the charge

	type late struct {
		outcome
		wait time.Duration
		err  error
	}
	lateAnswer := make(chan late, 1)
	go func() {
		o, wait, err := s.sendOnce(ctx, paused.url(), "pause-1", slow)
		lateAnswer <- late{o, wait, err}
	}()
	time.Sleep(slow / 4) // the order is under way, and not charged
	require.NoError(t, paused.cmd.Process.Signal(syscall.SIGSTOP))
	time.Sleep(3 * o.lease)

	var taken outcome
	for wait := retryAfter; wait > 0; {
		time.Sleep(wait)
		var err error
		taken, wait, err = s.sendOnce(ctx, other.url(), "pause-1", slow)
		require.NoError(t, err)
	}
	assert.Equal(t, o.mode != refuse, taken.known)

	require.NoError(t, paused.cmd.Process.Signal(syscall.SIGCONT))
	answer := <-lateAnswer
	require.NoError(t, answer.err)
	if answer.wait == 0 {
		assert.Equal(t, taken, answer.outcome, "there is one answer to one order")
	}
	charged, err := s.charges(ctx)
	require.NoError(t, err)
	if o.mode == refuse {
		assert.Empty(t, charged["pause-1"], "its handler was told that the lease is lost")
		return
	}
	require.Len(t, charged["pause-1"], 1)
	assert.Equal(t, taken.payment, charged["pause-1"][0])
}
