package servertest

import (
	"bytes"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Process is a server in a process of its own, which can be killed. It is built
// from the module that this one requires, and without the race detector,
// whichever the test has, so it is also the one for much work. It is used by one
// goroutine at a time.
type Process struct {
	binary string
	port   int
	args   []string
	cmd    *exec.Cmd
	log    bytes.Buffer
}

// StartProcess starts a server with JetStream that keeps its files in a folder of
// the test's and ends with it. Args are added to its command line.
func StartProcess(t testing.TB, args ...string) *Process {
	t.Helper()
	p := newProcess(t, build(t), args...)
	p.Start(t)
	return p
}

func newProcess(t testing.TB, binary string, args ...string) *Process {
	t.Helper()
	p := &Process{binary: binary, port: freePort(t)}
	p.args = append([]string{"-a", "127.0.0.1", "-p", strconv.Itoa(p.port), "-js", "-sd", t.TempDir()}, args...)
	t.Cleanup(p.Kill)
	return p
}

// build builds the server, which takes a moment once it has been built before.
func build(t testing.TB) (binary string) {
	t.Helper()
	binary = filepath.Join(t.TempDir(), "nats-server")
	said, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "github.com/nats-io/nats-server/v2").CombinedOutput() //nolint:gosec // G204: into the test's own folder
	if err != nil {
		t.Fatalf("servertest: building a server: %v\n%s", err, said)
	}
	return binary
}

// StartProcesses starts n servers that know each other and waits until they can
// keep a stream together.
func StartProcesses(t testing.TB, n int) []*Process {
	t.Helper()
	binary, all := build(t), make([]*Process, n)
	ways := make([]string, n)
	for i := range ways {
		ways[i] = "nats://127.0.0.1:" + strconv.Itoa(freePort(t))
	}
	for i := range all {
		all[i] = newProcess(t, binary, "--name", "node"+strconv.Itoa(i),
			"--cluster_name", "concord", "--cluster", ways[i], "--routes", strings.Join(ways, ","))
		all[i].begin(t)
	}
	for _, p := range all {
		p.await(t)
	}
	js, err := jetstream.New(ConnectURL(t, all[0].URL()))
	if err != nil {
		t.Fatalf("servertest: %v", err)
	}
	for deadline := time.Now().Add(Patience); ; time.Sleep(20 * time.Millisecond) {
		_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "ready", Replicas: n})
		if err == nil {
			_ = js.DeleteStream(t.Context(), "ready")
			return all
		}
		if time.Now().After(deadline) {
			t.Fatalf("servertest: the cluster is not ready after %v: %v", Patience, err)
		}
	}
}

// Start starts a server again that was killed, at its address and with its files.
func (p *Process) Start(t testing.TB) {
	t.Helper()
	p.begin(t)
	p.await(t)
}

func (p *Process) begin(t testing.TB) {
	t.Helper()
	p.cmd = exec.Command(p.binary, p.args...) //nolint:gosec,noctx // one that is built here; Kill ends it
	p.cmd.Stderr = &p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("servertest: %v", err)
	}
}

func (p *Process) await(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(Patience); ; time.Sleep(20 * time.Millisecond) {
		conn, err := nats.Connect(p.URL())
		if err == nil {
			conn.Close()
			return
		}
		if time.Now().After(deadline) {
			p.Kill()
			t.Fatalf("servertest: the server is not ready after %v: %v\n%s", Patience, err, p.log.String())
		}
	}
}

// Kill ends the server with SIGKILL, if it runs.
func (p *Process) Kill() {
	if p.cmd == nil || p.cmd.Process == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait() // how it ended is known
	p.cmd = nil
}

// URL is where clients connect.
func (p *Process) URL() string {
	return fmt.Sprintf("nats://%s", net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)))
}
