//go:build unix

package docs

import (
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/examples/internal/teststore"
	"github.com/concordhttp/concord/internal/testserver"
	"github.com/concordhttp/concord/store/sqlstore"
)

// TestMigration has one server for all its databases: to start one takes longer
// than what is done on it.
func TestMigration(t *testing.T) {
	t.Setenv("CONCORD_TEST_POSTGRES", testserver.Postgres(t))
	t.Run("a key is known to the releases that run beside its own", aKeyIsKnownToTheReleasesThatRunBesideItsOwn)
	t.Run("too early is twice", tooEarlyIsTwice)
	t.Run("what the old code refuses is not recorded", whatTheOldCodeRefusesIsNotRecorded)
	t.Run("racers of two releases charge once", racersOfTwoReleasesChargeOnce)
	t.Run("the old table can go", theOldTableCanGo)
	t.Run("without the old table nothing runs", withoutTheOldTableNothingRuns)
}

// shop is the four releases of one server on one database, all running, as they
// do while one replaces another. Charges that block wait for proceed.
type shop struct {
	db       *sql.DB
	releases [4]http.Handler
	charges  atomic.Int64
	blocked  chan struct{} // one for each charge that blocks
	proceed  chan struct{}
}

func newShop(t *testing.T) *shop {
	t.Helper()
	db, err := sql.Open("pgx", teststore.Postgres.URL(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	table, err := os.ReadFile("testdata/old_table.sql")
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), string(table))
	require.NoError(t, err)
	records, err := sqlstore.New(db, sqlstore.Config{Dialect: sqlstore.PostgreSQL})
	require.NoError(t, err)
	require.NoError(t, records.Migrate(t.Context()))

	s := &shop{db: db, blocked: make(chan struct{}), proceed: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /payments", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery == "slow" {
			s.blocked <- struct{}{}
			<-s.proceed
		}
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, "charge %d", s.charges.Add(1))
	})
	s.releases[0] = once(db, mux)
	s.releases[1], err = release1(db, records, mux)
	require.NoError(t, err)
	s.releases[2], err = release2(db, records, mux)
	require.NoError(t, err)
	s.releases[3], err = release3(records, mux)
	require.NoError(t, err)
	return s
}

func (s *shop) pay(release int, key string) string {
	return ask(s.releases[release], "POST", "/payments", key, "12.50")
}

// aKeyIsKnownToTheReleasesThatRunBesideItsOwn: whoever was answered by one
// release may ask the next one, or, after a rollback, the one before.
func aKeyIsKnownToTheReleasesThatRunBesideItsOwn(t *testing.T) {
	for _, test := range []struct {
		first, then int
		want        string
	}{
		{0, 1, "201 charge 1"},
		{0, 2, "201 charge 1"},
		{1, 0, "201 charge 1"}, // a rollback loses nothing
		{1, 2, "201 charge 1 (replayed)"},
		{1, 3, "201 charge 1 (replayed)"},
		{2, 1, "201 charge 1 (replayed)"},
		{2, 3, "201 charge 1 (replayed)"},
	} {
		t.Run(fmt.Sprint(test.first, " then ", test.then), func(t *testing.T) {
			s := newShop(t)
			assert.Equal(t, "201 charge 1", s.pay(test.first, "k"))
			assert.Equal(t, test.want, s.pay(test.then, "k"))
			assert.Equal(t, "422 key-reused", ask(s.releases[test.then], "POST", "/payments", "k", "99"), "another request")
			assert.Contains(t, s.pay(test.then, "k"), test.want, "and the first one is not forgotten for it")
			assert.Equal(t, "201 charge 2", s.pay(test.then, "other"))
		})
	}
}

// tooEarlyIsTwice: why each release waits for the one before it to be gone.
func tooEarlyIsTwice(t *testing.T) {
	s := newShop(t)
	s.pay(2, "k")
	assert.Equal(t, "201 charge 2", s.pay(0, "k"), "release 2 writes nothing that the old code reads")
	s.pay(0, "l")
	assert.Equal(t, "201 charge 4", s.pay(3, "l"), "release 3 reads nothing that the old code wrote")
}

// whatTheOldCodeRefusesIsNotRecorded: a request that comes while the first
// one runs on a server of the release before is told so, and gets its answer
// when it asks again.
func whatTheOldCodeRefusesIsNotRecorded(t *testing.T) {
	for _, release := range []int{1, 2} {
		t.Run(fmt.Sprint("release ", release), func(t *testing.T) {
			s := newShop(t)
			slow := func(release int) string { return ask(s.releases[release], "POST", "/payments?slow", "k", "12.50") }
			var first string
			var done sync.WaitGroup
			done.Go(func() { first = slow(0) })
			<-s.blocked
			assert.Equal(t, "409 request-in-flight", slow(release))
			close(s.proceed)
			done.Wait()
			assert.Equal(t, "201 charge 1", first)
			assert.Equal(t, "201 charge 1", slow(release))
			assert.EqualValues(t, 1, s.charges.Load())

			assert.Equal(t, "201 charge 2", s.pay(0, "l"))
			assert.Equal(t, "422 key-reused", ask(s.releases[release], "POST", "/payments", "l", "99"))
			assert.Equal(t, "201 charge 2", s.pay(release, "l"), "its key is not that of the request that was refused")
		})
	}
}

// racersOfTwoReleasesChargeOnce: clients that send everything again at once,
// to servers of both releases.
func racersOfTwoReleasesChargeOnce(t *testing.T) {
	for _, pair := range [][2]int{{0, 1}, {1, 2}, {2, 3}} {
		t.Run(fmt.Sprint("releases ", pair), func(t *testing.T) {
			s := newShop(t)
			s.db.SetMaxOpenConns(20)
			var all sync.WaitGroup
			for i := range 40 {
				all.Go(func() { s.pay(pair[i%2], "k") })
			}
			all.Wait()
			assert.EqualValues(t, 1, s.charges.Load())
			for _, release := range pair {
				assert.Contains(t, s.pay(release, "k"), "201 charge 1")
			}
		})
	}
}

// theOldTableCanGo: the query of the page tells when.
func theOldTableCanGo(t *testing.T) {
	s := newShop(t)
	query, err := os.ReadFile("testdata/old_keys_left.sql")
	require.NoError(t, err)
	s.pay(1, "k")
	assert.Equal(t, 1, count(t, s.db, string(query)))
	_, err = s.db.ExecContext(t.Context(), "UPDATE idempotency_keys SET created_at = now() - interval '25 hours'")
	require.NoError(t, err)
	assert.Equal(t, 0, count(t, s.db, string(query)))
}

// withoutTheOldTableNothingRuns: what cannot be asked may have been done.
func withoutTheOldTableNothingRuns(t *testing.T) {
	s := newShop(t)
	_, err := s.db.ExecContext(t.Context(), "ALTER TABLE idempotency_keys RENAME TO gone")
	require.NoError(t, err)
	assert.Equal(t, "503 store-unavailable", s.pay(2, "k"))
	assert.Zero(t, s.charges.Load())
	_, err = s.db.ExecContext(t.Context(), "ALTER TABLE gone RENAME TO idempotency_keys")
	require.NoError(t, err)
	assert.Equal(t, "201 charge 1", s.pay(2, "k"), "the key was left free")
}
