package drivertest

import (
	"database/sql"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/sqlstore"
)

// TestStatements counts what is sent to the database.
func TestStatements(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		db, spy := d.spied(t, d.source(t))
		s := d.store(t, db)
		reads := 1 // that Create begins with
		if d.dialect == sqlstore.PostgreSQL {
			reads = 0
		}
		counts := func(what string, want int) {
			t.Helper()
			sent := spy.take()
			assert.Len(t, sent, want, "%s: %s", what, strings.Join(sent, "\n;"))
		}
		readsAlone := func(what string) {
			t.Helper()
			sent := spy.take()
			require.Len(t, sent, 1, what)
			if d.dialect == sqlstore.PostgreSQL && !strings.HasPrefix(sent[0], "SELECT") {
				return // it is Create's one statement, which writes only where nothing stands
			}
			assert.True(t, strings.HasPrefix(sent[0], "SELECT"), sent[0])
			assert.NotRegexp(t, "(?i)FOR (UPDATE|SHARE)|LOCK IN", sent[0])
		}
		ctx, r := t.Context(), store.Record{Head: []byte("h"), Body: []byte("b"), TTL: time.Hour}
		spy.take()

		first, _, err := s.Create(ctx, "k", r)
		require.NoError(t, err)
		counts("Create, won", 1+reads)
		_, _, err = s.Create(ctx, "k", r)
		require.NoError(t, err)
		readsAlone("Create, lost")
		_, _, err = s.Get(ctx, "k")
		require.NoError(t, err)
		readsAlone("Get")
		second, _, err := s.Replace(ctx, "k", first.Version, r)
		require.NoError(t, err)
		counts("Replace, won", 1)
		_, _, err = s.Replace(ctx, "k", first.Version, r)
		require.NoError(t, err)
		counts("Replace, lost", 2)
		_, err = s.Delete(ctx, "k", first.Version)
		require.NoError(t, err)
		counts("Delete, lost", 1)
		_, err = s.Delete(ctx, "k", second.Version)
		require.NoError(t, err)
		counts("Delete, won", 1)
		_, _, err = s.Create(ctx, "k", r)
		require.NoError(t, err)
		counts("Create of what was deleted", 1+reads)

		layer, err := idempotency.New(idempotency.Config{Store: s, Principal: func(*http.Request) (string, error) { return "ada", nil }})
		require.NoError(t, err)
		h := layer.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { charged(w, 1) }))
		spy.take()
		assertCharge(t, post(h, "k"), 1)
		counts("a first run", 2+reads)
		assert.True(t, replayed(post(h, "k")))
		readsAlone("a replay")
	})
}

// A replay takes no lock: that of another transaction is not waited for.
func TestReplayWaitsForNoLock(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		b := newBank(t, d)
		v := b.serve(t, b.charging)
		assertCharge(t, post(v, "k"), 1)
		locker, err := b.db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = locker.ExecContext(t.Context(), "UPDATE concord_records SET due = due")
		require.NoError(t, err)
		began := time.Now()
		assert.True(t, replayed(post(v, "k")))
		assert.Less(t, time.Since(began), 4*time.Second)
		require.NoError(t, locker.Rollback())
	})
}

// NothingLeavesBeforeCommit.
func TestNothingLeavesBeforeCommit(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		b := newBank(t, d)
		v := b.serve(t, func(w http.ResponseWriter, r *http.Request, tx *sql.Tx, run int) {
			b.charging(w, r, tx, run)
			_ = http.NewResponseController(w).Flush()
		})
		out := &outlet{header: http.Header{}}
		b.spy.atCommit(func(commit func() error, _ func()) error {
			assert.Zero(t, out.sent)
			return commit()
		})
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/charges", strings.NewReader("{}"))
		require.NoError(t, err)
		r.Header.Set("Idempotency-Key", "k")
		v.ServeHTTP(out, r)
		assert.Positive(t, out.sent)
		assert.Equal(t, 1, b.charges(t))
	})
}

// outlet counts what is sent.
type outlet struct {
	header http.Header
	sent   int
}

func (o *outlet) Header() http.Header         { return o.header }
func (o *outlet) Write(p []byte) (int, error) { o.sent++; return len(p), nil }
func (o *outlet) WriteHeader(int)             { o.sent++ }
func (o *outlet) Flush()                      { o.sent++ }
