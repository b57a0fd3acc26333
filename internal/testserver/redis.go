//go:build unix

package testserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
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
	addr, p := startRedis(t, redisBinary(t), args...)
	return "redis://" + addr + "/0", p
}

// PrivateValkey is PrivateRedis with valkey-server alone. Where that is not on
// PATH the test is skipped even if servers are required: it is there to be
// tried where Redis was tried already.
func PrivateValkey(t testing.TB, args ...string) (url string, p *Process) {
	t.Helper()
	binary, err := exec.LookPath("valkey-server")
	if err != nil {
		t.Skip("no Valkey: valkey-server is not on PATH")
	}
	addr, p := startRedis(t, binary, args...)
	return "redis://" + addr + "/0", p
}

// startRedis starts a server at an address of its own.
func startRedis(t testing.TB, binary string, args ...string) (addr string, p *Process) {
	t.Helper()
	port := freePort(t)
	addr = net.JoinHostPort("127.0.0.1", port)
	return addr, start(t, program{
		binary: binary,
		args: append([]string{
			"--bind", "127.0.0.1", "--port", port, "--dir", t.TempDir(),
			"--save", "", "--appendonly", "yes", "--appendfsync", "always",
			"--repl-diskless-sync-delay", "0", // a replica need not wait for others
		}, args...),
		ready: func(ctx context.Context) error { return says(ctx, addr, "PING", "PONG") },
	})
}

func redisBinary(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, "no Redis: neither redis-server nor valkey-server is on PATH, and CONCORD_TEST_REDIS is not set or is not enough")
	return ""
}

// says reports by nil that the server at addr answers a command, given in one
// line, with a text that has each of the parts in it. A server that is reading
// its data answers with an error.
func says(ctx context.Context, addr, command string, parts ...string) error {
	text, err := ask(ctx, addr, command)
	if err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return fmt.Errorf("%s: %q, which is not %s", command, text, part)
		}
	}
	return nil
}

// ask sends a command and returns the text of its reply.
func ask(ctx context.Context, addr, command string) (string, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", fmt.Errorf("dial: %w", err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	if _, err := c.Write([]byte(command + "\r\n")); err != nil {
		return "", fmt.Errorf("write: %w", err)
	}
	r := bufio.NewReader(c)
	line, err := r.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("read: %w", err)
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", errors.New("a reply without a type")
	}
	switch line[0] {
	case '-':
		return "", errors.New(line[1:])
	case '$':
		size, err := strconv.Atoi(line[1:])
		if err != nil || size < 0 {
			return "", fmt.Errorf("a reply of %q bytes", line[1:])
		}
		text := make([]byte, size)
		_, err = io.ReadFull(r, text)
		return string(text), err
	}
	return line[1:], nil
}
