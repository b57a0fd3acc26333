//go:build unix

package testserver

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// MariaDB returns what go-sql-driver/mysql takes for the name of a MariaDB or
// MySQL server: that of the environment variable CONCORD_TEST_MARIADB, such as
// root@tcp(127.0.0.1:3306)/, else that of a private one. The user may make
// databases; what is in others is not the test's.
func MariaDB(t testing.TB) (dsn string) {
	t.Helper()
	if dsn = os.Getenv("CONCORD_TEST_MARIADB"); dsn != "" {
		return dsn
	}
	dsn, _ = PrivateMariaDB(t)
	return dsn
}

// PrivateMariaDB starts a server, MySQL where there is no MariaDB, that the test
// may kill. Args are added to its command line. It leaves writing to disk to the
// system, which outlives it.
func PrivateMariaDB(t testing.TB, args ...string) (dsn string, p *Process) {
	t.Helper()
	const installed = "/usr/*/*bin"
	server, install := onPath(installed, "mariadbd", "mysqld"), onPath(installed, "mariadb-install-db")
	if server == "" {
		missing(t, "no MariaDB: CONCORD_TEST_MARIADB is not set, and neither mariadbd nor mysqld is on PATH or in %s", installed)
	}
	owner := unprivileged(t, "mysql")
	dir := folder(t, owner)
	files := filepath.Join(dir, "data")
	if install != "" {
		prepare(t, owner, install, "--no-defaults", "--datadir="+files, "--auth-root-authentication-method=normal", "--skip-test-db")
	} else {
		prepare(t, owner, server, "--no-defaults", "--initialize-insecure", "--datadir="+files)
	}
	port := freePort(t)
	addr := net.JoinHostPort("127.0.0.1", port)
	p = start(t, program{
		binary: server,
		args: append([]string{
			"--no-defaults", "--datadir=" + files, "--bind-address=127.0.0.1", "--port=" + port,
			"--socket=" + filepath.Join(dir, "s"), "--pid-file=" + filepath.Join(dir, "pid"),
			"--innodb-flush-log-at-trx-commit=2",
		}, args...),
		user:  owner,
		ready: func(ctx context.Context) error { return greets(ctx, addr) },
	})
	return fmt.Sprintf("root@tcp(%s)/", addr), p
}

// greets reports by nil that a server of MySQL's protocol takes connections.
func greets(ctx context.Context, addr string) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("dial: %w", err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	var greeting [5]byte
	if _, err := io.ReadFull(c, greeting[:]); err != nil || greeting[4] != 10 {
		return fmt.Errorf("greeting: %x, %w", greeting, err)
	}
	return nil
}
