//go:build unix

package testserver

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os/exec"
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

// Start starts the server again, at the address and with the data that it had,
// and waits until it answers.
func (s *Process) Start(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	cmd := exec.Command(s.binary, s.args...) //nolint:gosec,noctx // the programs are named here; one that outlives its test's context is ended by Stop
	cmd.Stdout, cmd.Stderr = &s.log, &s.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.user, Setpgid: true}
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
	if s.cmd == nil {
		return
	}
	select {
	case <-s.end:
		return
	default:
	}
	pid := s.cmd.Process.Pid
	if err := syscall.Kill(-pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Errorf("testserver: %v", err)
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
