//go:build unix

package testserver

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Postgres returns the URL of a PostgreSQL server: that of the environment
// variable CONCORD_TEST_POSTGRES, such as
// postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable, else that of a
// private one. The user may make schemas; what is in others is not the test's.
func Postgres(t testing.TB) (url string) {
	t.Helper()
	if url = os.Getenv("CONCORD_TEST_POSTGRES"); url != "" {
		return url
	}
	url, _ = PrivatePostgres(t)
	return url
}

// PrivatePostgres starts a server that the test may kill. Args are added to its
// command line. It leaves writing to disk to the system, which outlives it.
func PrivatePostgres(t testing.TB, args ...string) (url string, p *Process) {
	t.Helper()
	const installed = "/usr/lib/postgresql/*/bin"
	server, initdb, ready := onPath(installed, "postgres"), onPath(installed, "initdb"), onPath(installed, "pg_isready")
	if server == "" || initdb == "" || ready == "" {
		missing(t, "no PostgreSQL: CONCORD_TEST_POSTGRES is not set, and postgres, initdb and pg_isready are neither on PATH nor in %s", installed)
	}
	owner := unprivileged(t, "postgres")
	dir := filepath.Join(folder(t, owner), "data")
	prepare(t, owner, initdb, "--pgdata", dir, "--username", "postgres", "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync")
	port := freePort(t)
	p = start(t, program{
		binary: server,
		args: append([]string{
			"-D", dir, "-p", port,
			"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off",
		}, args...),
		user: owner,
		ready: func(ctx context.Context) error {
			return exec.CommandContext(ctx, ready, "-q", "-h", "127.0.0.1", "-p", port).Run() //nolint:gosec // the program is named above
		},
	})
	return fmt.Sprintf("postgres://postgres@%s/postgres?sslmode=disable", net.JoinHostPort("127.0.0.1", port)), p
}
