//go:build unix

package redisstore_test

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// wire is a proxy in front of a server. It counts round trips, and can lose the
// replies of scripts.
type wire struct {
	addr  string
	trips atomic.Int64
	lost  atomic.Int64
	// loses says whether the next reply of a script gets lost, and the connection
	// with it; nil: none does.
	loses func() bool

	mu    sync.Mutex
	conns []net.Conn
}

// newWire returns a proxy that ends with the test.
func newWire(t *testing.T, server string, loses func() bool) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{addr: l.Addr().String(), loses: loses}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			upstream, err := net.Dial("tcp", server)
			if err != nil {
				client.Close()
				continue
			}
			w.mu.Lock()
			w.conns = append(w.conns, client, upstream)
			w.mu.Unlock()
			var asked, script atomic.Bool
			running.Go(func() { w.up(upstream, client, &asked, &script) })
			running.Go(func() { w.down(client, upstream, &asked, &script) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		w.mu.Lock()
		for _, c := range w.conns {
			c.Close()
		}
		w.mu.Unlock()
		running.Wait()
	})
	return w
}

// up passes on what the client sends.
func (w *wire) up(server, client net.Conn, asked, script *atomic.Bool) {
	defer server.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		asked.Store(true)
		if bytes.Contains(bytes.ToLower(buffer[:n]), []byte("evalsha")) {
			script.Store(true)
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// down passes on what the server answers; its first bytes after those of the
// client are the end of a round trip.
func (w *wire) down(client, server net.Conn, asked, script *atomic.Bool) {
	defer client.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := server.Read(buffer)
		if err != nil {
			return
		}
		if asked.Swap(false) {
			w.trips.Add(1)
		}
		if script.Swap(false) && w.loses != nil && w.loses() {
			w.lost.Add(1)
			return
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// everySecond loses the first reply, the third and so on.
func everySecond() func() bool {
	var replies atomic.Int64
	return func() bool { return replies.Add(1)%2 == 1 }
}
