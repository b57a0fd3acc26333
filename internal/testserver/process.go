//go:build unix

package testserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Patience is how long a private server may take to answer, and to end.
const Patience = 30 * time.Second

// program says how a private server is started.
type program struct {
	binary string              // its path
	args   []string            // its arguments
	user   *syscall.Credential // whom it runs as; nil: the user of the test
	ready  func(context.Context) error
}

// Process is a private server.
type Process struct {
	program

	mu  sync.Mutex
	cmd *exec.Cmd
	log bytes.Buffer
	end chan struct{} // closed once cmd has ended
}

// start starts p and waits until it answers. It ends with the test.
func start(t testing.TB, p program) *Process {
	t.Helper()
	s := &Process{program: p}
	t.Cleanup(func() { s.Stop(t) })
	s.Start(t)
	return s
}

// unprivileged returns the user with one of these names where the tests run as
// root, as whom many servers refuse to run; else nil, which is the tests' own.
func unprivileged(t testing.TB, names ...string) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range append(names, "nobody") {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	t.Fatalf("testserver: none of the users %v exists", names)
	return nil
}

// folder makes a folder that belongs to whom a server runs as. It is removed with
// the test.
func folder(t testing.TB, owner *syscall.Credential) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "concord-server-") //nolint:usetesting // TempDir lies in a folder that is closed to others
	if err != nil {
		t.Fatalf("testserver: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if owner != nil {
		if err := os.Chown(dir, int(owner.Uid), int(owner.Gid)); err != nil {
			t.Fatalf("testserver: %v", err)
		}
	}
	return dir
}

// prepare runs a program to its end, as the owner.
func prepare(t testing.TB, owner *syscall.Credential, binary string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...) //nolint:gosec // the programs are named here
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner}
	cmd.Dir = "/"
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("testserver: %s: %v\n%s", binary, err, said)
	}
}

// onPath returns the first of the programs that there is, on PATH or in folders
// that match a pattern; "": there is none.
func onPath(pattern string, names ...string) string {
	folders, _ := filepath.Glob(pattern)
	slices.Reverse(folders) // of several versions the last
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
		for _, folder := range folders {
			if path, err := exec.LookPath(filepath.Join(folder, name)); err == nil {
				return path
			}
		}
	}
	return ""
}

// Start starts the server again, at the address and with the data that it had,
// and waits until it answers. One that runs is not started again, and the test
// fails.
func (s *Process) Start(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.runs() {
		t.Fatalf("testserver: %s runs already, as process %d", s.binary, s.cmd.Process.Pid)
	}
	cmd := exec.Command(s.binary, s.args...) //nolint:gosec,noctx // the programs are named here; one that outlives its test's context is ended by Stop
	cmd.Stdout, cmd.Stderr = &s.log, &s.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.user, Setpgid: true}
	tie(cmd.SysProcAttr)
	if err := cmd.Start(); err != nil {
		t.Fatalf("testserver: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // how it ended is in its log
	}()
	s.cmd, s.end = cmd, ended
	if err := s.await(ended); err != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
		t.Fatalf("testserver: %s did not answer: %v\n%s", s.binary, err, s.log.String())
	}
}

// runs reports whether the server was started and has not ended. The lock is held.
func (s *Process) runs() bool {
	if s.cmd == nil {
		return false
	}
	select {
	case <-s.end:
		return false
	default:
		return true
	}
}

// await returns once the server answers.
func (s *Process) await(ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	for {
		err := s.ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ended:
			return errors.Join(errors.New("it has ended"), err)
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Kill ends the server and its children with SIGKILL.
func (s *Process) Kill(t testing.TB) { t.Helper(); s.signal(t, syscall.SIGKILL, true) }

// Stop ends the server in an orderly way, if it runs.
func (s *Process) Stop(t testing.TB) { t.Helper(); s.signal(t, syscall.SIGTERM, true) }

// Pause has the server and its children stand still, connections open.
func (s *Process) Pause(t testing.TB) { t.Helper(); s.signal(t, syscall.SIGSTOP, false) }

// Continue ends Pause.
func (s *Process) Continue(t testing.TB) { t.Helper(); s.signal(t, syscall.SIGCONT, false) }

// signal sends the signal to the process group, and waits for its end if told so.
func (s *Process) signal(t testing.TB, signal syscall.Signal, ends bool) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.runs() {
		return
	}
	pid := s.cmd.Process.Pid
	family := []int{-pid}
	if signal != syscall.SIGTERM { // which the server passes on as it sees fit
		family = append(family, children(pid)...)
	}
	for _, id := range family {
		if err := syscall.Kill(id, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Errorf("testserver: %v", err)
		}
	}
	if !ends {
		return
	}
	_ = syscall.Kill(-pid, syscall.SIGCONT) // one that is paused takes no other signal
	select {
	case <-s.end:
	case <-time.After(Patience):
		_ = syscall.Kill(-pid, syscall.SIGKILL)
		<-s.end
		t.Errorf("testserver: %s did not end for %v", s.binary, signal)
	}
}

// children are the processes that a server has started, which need not be of its
// group: those of PostgreSQL are of their own.
func children(pid int) (ids []int) {
	all, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	if err != nil {
		return nil // not on Linux
	}
	for _, field := range strings.Fields(string(all)) {
		if id, err := strconv.Atoi(field); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// freePort returns a port of the loopback that was free a moment ago.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("testserver: %v", err)
	}
	defer func() { _ = l.Close() }() // it is only the number that is wanted
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatalf("testserver: %v", err)
	}
	return port
}
