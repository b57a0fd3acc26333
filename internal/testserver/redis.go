//go:build unix

package testserver

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Redis returns the URL of a Redis or Valkey server: that of the environment
// variable CONCORD_TEST_REDIS, such as redis://127.0.0.1:6379/9, else that of a
// private one. What is stored there beforehand is not the test's.
func Redis(t testing.TB) (url string) {
	t.Helper()
	if url = os.Getenv("CONCORD_TEST_REDIS"); url != "" {
		return url
	}
	url, _ = PrivateRedis(t)
	return url
}

// PrivateRedis starts a server that writes each change to disk before it
// answers, and that the test may kill. Args are added to its command line.
func PrivateRedis(t testing.TB, args ...string) (url string, p *Process) {
	t.Helper()
	binary := redisBinary()
	if binary == "" {
		missing(t, "no Redis: CONCORD_TEST_REDIS is not set, and neither redis-server nor valkey-server is on PATH")
	}
	port := freePort(t)
	addr := net.JoinHostPort("127.0.0.1", port)
	p = start(t, program{
		binary: binary,
		args: append([]string{
			"--bind", "127.0.0.1", "--port", port, "--dir", t.TempDir(),
			"--save", "", "--appendonly", "yes", "--appendfsync", "always",
		}, args...),
		ready: func(ctx context.Context) error { return pings(ctx, addr) },
	})
	return "redis://" + addr + "/0", p
}

func redisBinary() string {
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// pings reports by nil that the server at addr has read its data.
func pings(ctx context.Context, addr string) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("dial: %w", err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "+PONG") {
		return fmt.Errorf("ping: %q, %w", line, err)
	}
	return nil
}
