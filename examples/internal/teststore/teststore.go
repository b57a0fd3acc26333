//go:build unix

// Package teststore gives the tests of examples the URL of each kind of store.
package teststore

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // registers "pgx"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/internal/testserver"
	"github.com/concordhttp/concord/store/natsstore/servertest"
)

// At says where a store is: URL starts what it needs, for as long as the test
// lasts, or skips the test and says what is missing.
type At struct {
	Name string
	URL  func(testing.TB) string
}

// The stores that there are, each empty, or with a namespace that nobody else
// has used.
var (
	SQLite   = At{"SQLite", func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "test.db") }}
	Postgres = At{"PostgreSQL", postgresURL}
	MariaDB  = At{"MariaDB", mariadbURL}
	Redis    = At{"Redis", testserver.Redis}
	NATS     = At{"NATS", func(t testing.TB) string { return servertest.Start(t).URL() }}
)

// Private are the stores in a server of the test's own, which it may kill.
var Private = map[string]func(testing.TB) (url string, server *testserver.Process){
	Postgres.Name: func(t testing.TB) (string, *testserver.Process) {
		source, server := testserver.PrivatePostgres(t)
		return postgresAt(t, source), server
	},
	MariaDB.Name: func(t testing.TB) (string, *testserver.Process) {
		source, server := testserver.PrivateMariaDB(t)
		return mariadbAt(t, source), server
	},
	Redis.Name: func(t testing.TB) (string, *testserver.Process) { return testserver.PrivateRedis(t) },
}

var databases atomic.Int64

// newDatabase makes a database of the test's own.
func newDatabase(t testing.TB, driver, source string) (name string) {
	t.Helper()
	name = fmt.Sprintf("concord_%d_%d", os.Getpid(), databases.Add(1))
	db, err := sql.Open(driver, source)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "CREATE DATABASE "+name)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_, err := db.ExecContext(ctx, "DROP DATABASE "+name)
		require.NoError(t, err, "a connection was left behind")
		require.NoError(t, db.Close())
	})
	return name
}

func postgresURL(t testing.TB) string { t.Helper(); return postgresAt(t, testserver.Postgres(t)) }

func postgresAt(t testing.TB, source string) string {
	t.Helper()
	u, err := url.Parse(source)
	require.NoError(t, err)
	u.Path = "/" + newDatabase(t, "pgx", source)
	return u.String()
}

func mariadbURL(t testing.TB) string { t.Helper(); return mariadbAt(t, testserver.MariaDB(t)) }

func mariadbAt(t testing.TB, source string) string {
	t.Helper()
	c, err := mysql.ParseDSN(source)
	require.NoError(t, err)
	u := url.URL{Scheme: "mysql", Host: c.Addr, User: url.UserPassword(c.User, c.Passwd), Path: newDatabase(t, "mysql", source)}
	if c.Net == "unix" {
		u.Host, u.RawQuery = "localhost", url.Values{"socket": {c.Addr}}.Encode()
	}
	return u.String()
}
