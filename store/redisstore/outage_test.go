//go:build unix

package redisstore_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/internal/testserver"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/redisstore"
)

// TestAnOutageIsSaidInTimeAndEndsByItself takes the server away in each way, and
// gives it back.
func TestAnOutageIsSaidInTimeAndEndsByItself(t *testing.T) {
	const limit = 300 * time.Millisecond
	url, p := testserver.PrivateRedis(t, "--appendfsync", "no")
	s := newStore(t, newClient(t, url), redisstore.Config{CallTimeout: limit})
	r := mustCreate(t, s, "key", record("r"))
	for _, row := range []struct {
		name      string
		end, back func(t testing.TB)
	}{
		{"it hangs", p.Pause, p.Continue},
		{"it is killed", p.Kill, p.Start},
		{"it is stopped", p.Stop, p.Start},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.end(t)
			began := time.Now()
			everyMethodFails(t, s, "key", r.Version, store.ErrUnavailable)
			// Five calls: a generous bound, for what counts is that there is one.
			assert.Less(t, time.Since(began), 5*limit+10*time.Second)
			row.back(t)
			eventually(t, func() bool {
				got, found, err := s.Get(context.Background(), "key")
				return err == nil && found && got.Version == r.Version
			}, "it is back")
		})
	}
}

// TestTheContextOfACallIsItsOwn tells the caller's deadline, which is the
// context's error, from the store's own, which is an outage.
func TestTheContextOfACallIsItsOwn(t *testing.T) {
	url, p := testserver.PrivateRedis(t, "--appendfsync", "no")
	s := newStore(t, newClient(t, url), redisstore.Config{CallTimeout: 200 * time.Millisecond})
	mustCreate(t, s, "key", record("r"))
	p.Pause(t)
	defer p.Continue(t)
	for range 5 {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		_, _, err := s.Get(ctx, "key")
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, store.ErrUnavailable)
	}
	_, _, err := s.Get(context.Background(), "key")
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.NotErrorIs(t, err, context.DeadlineExceeded, "nobody's deadline has passed")

	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(20*time.Millisecond, cancel)
	_, _, err = s.Get(ctx, "key")
	require.ErrorIs(t, err, context.Canceled)
}

// TestWhatServersSayIsUnavailability has a server answer every command with an
// error, one of those that real ones give while they cannot serve.
func TestWhatServersSayIsUnavailability(t *testing.T) {
	for _, says := range []string{
		"LOADING Redis is loading the dataset in memory",
		"READONLY You can't write against a read only replica.",
		"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
		"NOREPLICAS Not enough good replicas to write.",
		"MISCONF Errors writing to the AOF file: No space left on device",
		"BUSY Redis is busy running a script.",
		"CLUSTERDOWN The cluster is down",
		"TRYAGAIN Multiple keys request during rehashing of slot",
		"NOAUTH Authentication required.",
		"NOPERM User shop has no permissions to run the 'evalsha' command",
		"ERR max number of clients reached",
		"ERR unknown command 'EVALSHA'",
		"MOVED 1 127.0.0.1:1",
		"ASK 1 127.0.0.1:1",
	} {
		t.Run(says, func(t *testing.T) {
			client := newClient(t, "redis://"+serverThatSays(t, says)+"/0", func(o *redis.Options) { o.MaxRetries = 1 })
			s := newStore(t, client, redisstore.Config{CallTimeout: time.Second})
			everyMethodFails(t, s, "key", 1, store.ErrUnavailable)
		})
	}
}

// serverThatSays is a server that answers every command with one error.
func serverThatSays(t *testing.T, text string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = c.Close() })
			go answerAll(c, text)
		}
	}()
	return l.Addr().String()
}

// answerAll answers each command of a connection, and knows them apart by no
// more than that each begins with "*".
func answerAll(c net.Conn, text string) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := c.Read(buffer)
		if err != nil {
			return
		}
		commands := 0
		for line := range strings.Lines(string(buffer[:n])) {
			if strings.HasPrefix(line, "*") {
				commands++
			}
		}
		_, _ = io.WriteString(c, strings.Repeat("-"+text+"\r\n", max(1, commands)))
	}
}
