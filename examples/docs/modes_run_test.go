package docs

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/store/memory"
	"github.com/concordhttp/concord/store/sqlstore"
)

// customer is who asks. The pages' servers know callers by Basic credentials,
// and have checked them by then.
func customer(r *http.Request) (string, error) {
	name, _, _ := r.BasicAuth()
	if name == "" {
		return "", errors.New("nobody is signed in")
	}
	return name, nil
}

// ask sends a request for ann, with a key if that is not empty, and returns
// status and body. A handler that panics is a server that died: status 0.
func ask(h http.Handler, method, path, key, body string) (answer string) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.SetBasicAuth("ann", "")
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	w := httptest.NewRecorder()
	defer func() {
		if recover() != nil {
			answer = "died"
		}
	}()
	h.ServeHTTP(w, r)
	replayed := ""
	if w.Header().Get("Idempotency-Replayed") != "" {
		replayed = " (replayed)"
	}
	text := strings.TrimSpace(w.Body.String())
	if _, kind, found := strings.Cut(text, "problems.md#"); found {
		text, _, _ = strings.Cut(kind, `"`)
	}
	return strings.TrimSpace(w.Result().Status[:4]+text) + replayed
}

// sqlite opens a database file of the test's own, with records in it.
func sqlite(t *testing.T) (*sql.DB, *sqlstore.Store) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "shop.db")+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(1000)&_txlock=immediate")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err = db.ExecContext(t.Context(), "CREATE TABLE charges (cents INTEGER NOT NULL)")
	require.NoError(t, err)
	records, err := sqlstore.New(db, sqlstore.Config{Dialect: sqlstore.SQLite})
	require.NoError(t, err)
	require.NoError(t, records.Migrate(t.Context()))
	return db, records
}

func count(t *testing.T, db *sql.DB, query string) (n int) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&n))
	return n
}

func TestTransactionalChargesOnceWhateverDies(t *testing.T) {
	db, records := sqlite(t)
	pay, err := transactional(db, records)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "ALTER TABLE charges RENAME TO other") // the handler fails
	require.NoError(t, err)
	assert.Equal(t, "500 internal", ask(pay, "POST", "/payments", "1", ""))
	_, err = db.ExecContext(t.Context(), "ALTER TABLE other RENAME TO charges")
	require.NoError(t, err)

	assert.Equal(t, "201 charged", ask(pay, "POST", "/payments", "2", ""))
	assert.Equal(t, "201 charged (replayed)", ask(pay, "POST", "/payments", "2", ""))
	assert.Equal(t, "400 key-missing", ask(pay, "POST", "/payments", "", ""))
	assert.Equal(t, 1, count(t, db, "SELECT count(*) FROM charges"))
}

func TestRerunAsksTheBankAgainWithTheSameKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		transfer, err := rerunning(memory.New(memory.Config{}), func(_ context.Context, key string) error {
			if asked = append(asked, key); len(asked) == 1 {
				panic("the server dies")
			}
			return nil
		})
		require.NoError(t, err)
		assert.Equal(t, "died", ask(transfer, "POST", "/transfers", "1", ""))
		assert.Equal(t, "409 request-in-flight", ask(transfer, "POST", "/transfers", "1", ""))
		time.Sleep(idempotency.DefaultLease * 2)
		assert.Equal(t, "200 transferred", ask(transfer, "POST", "/transfers", `"1"`, ""), "quoted, it is the same key")
		assert.Equal(t, "200 transferred (replayed)", ask(transfer, "POST", "/transfers", "1", ""))
		require.Len(t, asked, 2)
		assert.Equal(t, asked[0], asked[1])
	})
}

func TestRefuseWaitsForAnOperator(t *testing.T) {
	mails := 0
	stack, order, err := refusing(memory.New(memory.Config{}), func(context.Context) error {
		mails++
		panic("the server dies")
	})
	require.NoError(t, err)
	assert.Equal(t, "died", ask(order, "POST", "/orders", "1", ""))
	assert.Equal(t, "409 outcome-unknown", ask(order, "POST", "/orders", "1", ""))
	require.NoError(t, settle(t.Context(), stack, "ann", "1", &idempotency.Outcome{Status: http.StatusOK, Body: []byte("ordered")}))
	assert.Equal(t, "200 ordered (replayed)", ask(order, "POST", "/orders", "1", ""))
	assert.Equal(t, 1, mails)
	assert.ErrorIs(t, settle(t.Context(), stack, "ann", "1", nil), idempotency.ErrNotUnknown)
}
