package drivertest

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store/sqlstore"
)

// bank is a database with a table of charges, beside that of the records.
type bank struct {
	database
	source string
	db     *sql.DB
	spy    *spy
	store  *sqlstore.Store
}

// newBank makes one in a place of its own. Records have connections of their own.
func newBank(t testing.TB, d database, change ...func(*sqlstore.Config)) *bank {
	t.Helper()
	b := d.bankAt(t, d.source(t), change...)
	b.exec(t, "CREATE TABLE charges (id INTEGER PRIMARY KEY, account VARCHAR(100))")
	return b
}

// bankAt opens the one that is there.
func (d database) bankAt(t testing.TB, source string, change ...func(*sqlstore.Config)) *bank {
	t.Helper()
	b := &bank{database: d, source: source}
	b.db, b.spy = d.spied(t, b.source)
	records := d.open(t, b.source)
	b.store = d.store(t, b.db, append([]func(*sqlstore.Config){func(c *sqlstore.Config) { c.Records = records }}, change...)...)
	return b
}

func (b *bank) exec(t testing.TB, statement string, args ...any) {
	t.Helper()
	_, err := b.db.ExecContext(context.Background(), statement, args...)
	require.NoError(t, err)
}

// charges is how many there are.
func (b *bank) charges(t testing.TB) (n int) {
	t.Helper()
	require.NoError(t, b.db.QueryRowContext(context.Background(), "SELECT count(*) FROM charges").Scan(&n))
	return n
}

// insert is the statement that makes a charge.
func (b *bank) insert(id int) string {
	return fmt.Sprintf("INSERT INTO charges (id, account) VALUES (%d, 'a')", id)
}

// server is one of the servers on a bank.
type server struct {
	http.Handler
	layer *idempotency.Layer
	runs  atomic.Int64
}

// handle is a handler that gets its transaction, nil if it has none, and the number of the run.
type handle func(w http.ResponseWriter, r *http.Request, tx *sql.Tx, run int)

// charging makes one charge with the number of the run, and says so.
func (b *bank) charging(w http.ResponseWriter, r *http.Request, tx *sql.Tx, run int) {
	if _, err := tx.ExecContext(r.Context(), b.insert(run)); err != nil {
		fail(w, r, err)
		return
	}
	charged(w, run)
}

func charged(w http.ResponseWriter, run int) {
	w.Header().Set("Location", fmt.Sprintf("/charges/%d", run))
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, "charge %d", run)
}

// fail answers as a handler should that got an error of the database.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	p, ok := problem.FromSQL(err)
	if !ok {
		p = problem.New(problem.KindStoreUnavailable, "The database failed.")
		p.Err = err
	}
	problem.JSON(w, r, p)
}

// serve starts a server on the bank.
func (b *bank) serve(t testing.TB, h handle, change ...func(*idempotency.Config)) *server {
	t.Helper()
	v := &server{}
	c := idempotency.Config{
		Store: b.store, Transactional: true, Lease: 20 * time.Second, MaxRun: time.Minute, Wait: 0,
		Principal: func(*http.Request) (string, error) { return "ada", nil },
	}
	for _, f := range change {
		f(&c)
	}
	layer, err := idempotency.New(c)
	require.NoError(t, err)
	v.layer = layer
	v.Handler = layer.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		run := int(v.runs.Add(1))
		tx, err := sqlstore.Tx(r.Context())
		if err != nil && !errors.Is(err, sqlstore.ErrNoTransaction) {
			fail(w, r, err)
			return
		}
		h(w, r, tx, run)
	}))
	return v
}

// post sends a request under a key.
func post(h http.Handler, key string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/charges", strings.NewReader("{}"))
	r.Header.Set("Idempotency-Key", key)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func replayed(w *httptest.ResponseRecorder) bool {
	return w.Header().Get("Idempotency-Replayed") == "true"
}

// kindOf is the kind of the problem that w is, "" if it is none.
func kindOf(t testing.TB, w *httptest.ResponseRecorder) problem.Kind {
	t.Helper()
	if !strings.HasPrefix(w.Header().Get("Content-Type"), "application/problem+json") {
		return ""
	}
	var members struct{ Type string }
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &members))
	return problem.Kind(members.Type[strings.LastIndexAny(members.Type, "/#")+1:])
}

// assertCharge wants the answer to run number run.
func assertCharge(t testing.TB, w *httptest.ResponseRecorder, run int) {
	t.Helper()
	assert.Equal(t, http.StatusCreated, w.Code, w.Body.String())
	assert.Equal(t, fmt.Sprintf("charge %d", run), w.Body.String())
}

// assertUndone wants a refusal of that kind, no charge, and a key that is free:
// sent again, without what was in its way, the request makes one charge.
func (b *bank) assertUndone(t testing.TB, v *server, w *httptest.ResponseRecorder, kind problem.Kind) {
	t.Helper()
	assert.Equal(t, kind, kindOf(t, w), w.Body.String())
	assert.NotEmpty(t, w.Header().Get("Retry-After"))
	assert.Zero(t, b.charges(t), "nothing was done")
	again := post(v, "k")
	assert.Equal(t, http.StatusCreated, again.Code, again.Body.String())
	assert.False(t, replayed(again))
	assert.Equal(t, 1, b.charges(t))
	assert.True(t, replayed(post(v, "k")))
}
