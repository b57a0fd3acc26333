//go:build unix

package servertest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/natsstore"
)

// serverProcess is the variable that makes this program a server: the port and
// the folder of its files.
const serverProcess = "CONCORD_NATS_SERVER_PROCESS"

func TestMain(m *testing.M) {
	var port int
	var dir string
	if _, err := fmt.Sscan(os.Getenv(serverProcess), &port, &dir); err != nil {
		os.Exit(m.Run())
	}
	running, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, NoLog: true, NoSigs: true,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	running.Start()
	go func() { // it ends with its test, however that ends
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}()
	running.WaitForShutdown()
}

// process is a server in a process of its own.
type process struct {
	port int
	dir  string
	cmd  *exec.Cmd
}

func startProcess(t *testing.T) *process {
	t.Helper()
	p := &process{port: freePort(t), dir: t.TempDir()}
	p.start(t)
	t.Cleanup(p.kill)
	return p
}

func (p *process) start(t *testing.T) {
	t.Helper()
	p.cmd = exec.Command(os.Args[0])
	p.cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s", serverProcess, p.port, p.dir))
	p.cmd.Stderr = os.Stderr
	_, err := p.cmd.StdinPipe() // which is closed when this process ends
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	require.Eventually(t, func() bool {
		conn, err := nats.Connect(p.url())
		if err != nil {
			return false
		}
		conn.Close()
		return true
	}, Patience, 20*time.Millisecond)
}

// kill ends the process with SIGKILL.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(s))
}

func (p *process) url() string {
	return "nats://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port))
}

// TestServerIsKilledUnderLoad kills the only server again and again: what it
// acknowledged is there when it is back.
func TestServerIsKilledUnderLoad(t *testing.T) {
	p := startProcess(t)
	s, name := openNamed(t, natsstore.Config{Conn: ConnectURL(t, p.url())})
	settle := counting(t, s, func() natsstore.Config {
		return natsstore.Config{Conn: ConnectURL(t, p.url()), Bucket: name, Timeout: time.Second}
	})
	for range 5 {
		time.Sleep(200 * time.Millisecond) // under load
		p.kill()
		p.start(t)
	}
	time.Sleep(200 * time.Millisecond)
	settle()
}

// TestServerIsPaused: a server that stands still is unavailable, and what it was
// sent meanwhile is done, if it is, by the version that it names.
func TestServerIsPaused(t *testing.T) {
	p := startProcess(t)
	s, _ := openNamed(t, natsstore.Config{Conn: ConnectURL(t, p.url()), Timeout: 300 * time.Millisecond})
	r, _, err := s.Create(t.Context(), "key", record("first", time.Hour))
	require.NoError(t, err)
	p.signal(t, syscall.SIGSTOP)
	_, _, err = s.Replace(t.Context(), "key", r.Version, record("second", time.Hour))
	require.ErrorIs(t, err, store.ErrUnavailable)
	p.signal(t, syscall.SIGCONT)
	next, _, err := s.Replace(t.Context(), "key", r.Version, record("second", time.Hour))
	require.NoError(t, err)
	require.Equal(t, "second", string(next.Head), "it was the first to arrive or the second")
	require.Greater(t, next.Version, r.Version)
}
