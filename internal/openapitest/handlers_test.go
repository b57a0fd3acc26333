package openapitest

import (
	"database/sql"
	"io"
	"log"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/concordhttp/concord/store/sqlstore"
)

var quiet = log.New(io.Discard, "", 0)

// gate is what a request that blocks says, and waits for.
type gate struct {
	began chan struct{}
	done  chan struct{}
}

type gateKey struct{}

// blocks is a handler that ends with the test.
func blocks(_ http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodGet {
		return nil
	}
	g, _ := r.Context().Value(gateKey{}).(gate)
	g.began <- struct{}{}
	<-g.done
	return nil
}

func panics(http.ResponseWriter, *http.Request) error { panic(http.ErrAbortHandler) }

// answers is a handler that fails.
func answers(err error) func(http.ResponseWriter, *http.Request) error {
	return func(http.ResponseWriter, *http.Request) error { return err }
}

// sqlError is shaped like the errors of drivers.
type sqlError string

// Error implements error.
func (e sqlError) Error() string { return "an error of the database" }

// SQLState is where drivers have their code.
func (e sqlError) SQLState() string { return string(e) }

// database keeps records in a file.
func database(t *testing.T) *sqlstore.Store {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "records.db")+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(1000)&_txlock=immediate")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	records, err := sqlstore.New(db, sqlstore.Config{Dialect: sqlstore.SQLite})
	require.NoError(t, err)
	require.NoError(t, records.Migrate(t.Context()))
	return records
}
