package drivertest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/lib/pq"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/concordhttp/concord/internal/testserver"
	"github.com/concordhttp/concord/store/sqlstore"
)

// database is one that stores are tested on, through one driver.
type database struct {
	name    string
	driver  string
	dialect sqlstore.Dialect
	// source makes a place of the test's own, and returns what the driver calls
	// it, with settings of the driver's.
	source func(t testing.TB, settings ...string) string
}

var (
	pgxPostgres = database{"PostgreSQL by pgx", "pgx", sqlstore.PostgreSQL, postgresSource}
	pqPostgres  = database{"PostgreSQL by lib-pq", "postgres", sqlstore.PostgreSQL, postgresSource}
	mariaDB     = database{"MariaDB", "mysql", sqlstore.MySQL, mysqlSource}
	sqliteFile  = database{"SQLite", "sqlite", sqlstore.SQLite, sqliteSource}

	databases = []database{pgxPostgres, pqPostgres, mariaDB, sqliteFile}
)

// eachDatabase runs a test on each.
func eachDatabase(t *testing.T, test func(t *testing.T, d database)) {
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel() // they mostly wait, for servers and for time to pass
			test(t, d)
		})
	}
}

// places numbers the schemas and databases of this run.
var places atomic.Int64

func place() string { return fmt.Sprintf("concord_%d_%d", os.Getpid(), places.Add(1)) }

func postgresSource(t testing.TB, settings ...string) string {
	t.Helper()
	address := postgresServer.of(t, testserver.Postgres)
	schema := place()
	execute(t, "pgx", address, "CREATE SCHEMA "+schema)
	t.Cleanup(func() { execute(t, "pgx", address, "DROP SCHEMA "+schema+" CASCADE") })
	u, err := url.Parse(address)
	require.NoError(t, err)
	q := u.Query()
	for _, setting := range append(settings, "search_path="+schema) {
		name, value, _ := strings.Cut(setting, "=")
		q.Set(name, value)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

func mysqlSource(t testing.TB, settings ...string) string {
	t.Helper()
	address := mariaServer.of(t, testserver.MariaDB)
	name := place()
	execute(t, "mysql", address, "CREATE DATABASE "+name)
	t.Cleanup(func() { execute(t, "mysql", address, "DROP DATABASE "+name) })
	c, err := mysql.ParseDSN(address)
	require.NoError(t, err)
	c.DBName = name
	return strings.TrimSuffix(c.FormatDSN(), "?") + "?" + strings.Join(append(settings, "interpolateParams=true"), "&")
}

func sqliteSource(t testing.TB, settings ...string) string {
	t.Helper()
	settings = append(settings, "_pragma=journal_mode(WAL)", "_pragma=busy_timeout(100)", "_pragma=synchronous(NORMAL)")
	return "file:" + filepath.Join(t.TempDir(), "records.db") + "?" + strings.Join(settings, "&")
}

// execute runs a statement on a connection of its own.
func execute(t testing.TB, driver, source, statement string) {
	t.Helper()
	db, err := sql.Open(driver, source)
	require.NoError(t, err)
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), testserver.Patience)
	defer cancel()
	_, err = db.ExecContext(ctx, statement)
	require.NoError(t, err)
}

// open opens a pool of connections.
func (d database) open(t testing.TB, source string) *sql.DB {
	t.Helper()
	db, err := sql.Open(d.driver, source)
	require.NoError(t, err)
	db.SetMaxOpenConns(20)
	db.SetMaxIdleConns(20)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// store opens a store on a pool, and makes its table.
func (d database) store(t testing.TB, db *sql.DB, change ...func(*sqlstore.Config)) *sqlstore.Store {
	t.Helper()
	c := sqlstore.Config{Dialect: d.dialect, CallTimeout: 20 * time.Second}
	for _, f := range change {
		f(&c)
	}
	s, err := sqlstore.New(db, c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Migrate(context.Background()))
	return s
}

// fresh opens a store in a place of its own.
func (d database) fresh(t testing.TB, change ...func(*sqlstore.Config)) *sqlstore.Store {
	t.Helper()
	return d.store(t, d.open(t, d.source(t)), change...)
}
