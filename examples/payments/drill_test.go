//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/examples/internal/teststore"
)

// killsEach is how often each drill kills a server: a few times, unless the
// environment variable CONCORD_TEST_KILLS says otherwise.
func killsEach(t *testing.T) int {
	t.Helper()
	text := os.Getenv("CONCORD_TEST_KILLS")
	if text == "" {
		return 5
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// Three servers on one store are killed at random while customers pay, and each
// order is charged as often as the mode promises. A seed is printed; which order
// a kill hits is up to the machine all the same.
func TestKillsAtRandom(t *testing.T) {
	for _, c := range []struct {
		teststore.At
		mode mode
	}{
		{teststore.Postgres, transactional},
		{teststore.SQLite, transactional},
		{teststore.MariaDB, transactional},
		{teststore.Postgres, refuse},
		{teststore.SQLite, refuse},
		{teststore.MariaDB, refuse},
		{teststore.Redis, refuse},
		{teststore.NATS, refuse},
		{teststore.Redis, rerun},
	} {
		t.Run(c.Name+", "+string(c.mode), func(t *testing.T) {
			o := options{store: c.URL(t), mode: c.mode, ledger: filepath.Join(t.TempDir(), "ledger"), lease: time.Second}
			d := drill{servers: 3, kills: killsEach(t), customers: 8}
			require.NoError(t, d.run(t.Context(), o, testWriter{t}))
		})
	}
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", p)
	return len(p), nil
}
