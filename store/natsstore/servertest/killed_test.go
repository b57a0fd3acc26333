//go:build unix

package servertest

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/natsstore"
)

// TestServerIsKilledUnderLoad kills the only server again and again: what it
// acknowledged is there when it is back.
func TestServerIsKilledUnderLoad(t *testing.T) {
	t.Parallel()
	p := StartProcess(t)
	s, name := openNamed(t, natsstore.Config{Conn: ConnectURL(t, p.URL())})
	settle := counting(t, s, func() natsstore.Config {
		return natsstore.Config{Conn: ConnectURL(t, p.URL()), Bucket: name, Timeout: time.Second}
	})
	for range 5 {
		time.Sleep(200 * time.Millisecond) // under load
		p.Kill()
		p.Start(t)
	}
	time.Sleep(200 * time.Millisecond)
	settle()
}

// TestServerIsPaused: a server that stands still is unavailable, and what it was
// sent meanwhile is done, if it is, by the version that it names.
func TestServerIsPaused(t *testing.T) {
	p := StartProcess(t)
	s, _ := openNamed(t, natsstore.Config{Conn: ConnectURL(t, p.URL()), Timeout: 300 * time.Millisecond})
	r, _, err := s.Create(t.Context(), "key", record("first", time.Hour))
	require.NoError(t, err)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGSTOP))
	var state syscall.WaitStatus // it stands still a while after it was told to
	_, err = syscall.Wait4(p.cmd.Process.Pid, &state, syscall.WUNTRACED, nil)
	require.NoError(t, err)
	require.True(t, state.Stopped())
	_, _, err = s.Replace(t.Context(), "key", r.Version, record("second", time.Hour))
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGCONT))
	next, _, err := s.Replace(t.Context(), "key", r.Version, record("second", time.Hour))
	require.NoError(t, err)
	require.Equal(t, "second", string(next.Head), "it was the first to arrive or the second")
	require.Greater(t, next.Version, r.Version)
}
