package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// server is a process of this program that serves.
type server struct {
	options options
	mu      sync.Mutex
	base    string // its URL
	cmd     *exec.Cmd
	said    *tail // on its standard error
}

// startTime is how long a server may take until it serves.
const startTime = 30 * time.Second

func startServer(ctx context.Context, o options) (*server, error) {
	s := &server{options: o}
	err := s.start(ctx)
	return s, err
}

// start starts the process, and returns when it serves.
func (s *server) start(ctx context.Context) error {
	program, err := programOf()
	if err != nil {
		return err
	}
	o := s.options
	cmd := exec.CommandContext(ctx, program, //nolint:gosec // this very program, with flags that it was given
		"-addr", "127.0.0.1:0", "-store", o.store, "-mode", string(o.mode),
		"-ledger", o.ledger, "-lease", o.lease.String())
	cmd.Env = append(cmd.Environ(), isServer+"=1")
	said := &tail{}
	cmd.Stderr = said
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	line := make(chan string, 1)
	go func() {
		read, _ := bufio.NewReader(stdout).ReadString('\n')
		line <- read
	}()
	select {
	case read := <-line:
		base, ok := strings.CutPrefix(strings.TrimSpace(read), "serving on ")
		if ok {
			s.mu.Lock()
			s.base, s.cmd, s.said = base, cmd, said
			s.mu.Unlock()
			return nil
		}
		err = errors.New("it ended")
	case <-time.After(startTime):
		err = errors.New("it does not serve")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	return fmt.Errorf("a server did not start: %w: %s", err, said)
}

// isServer is set in the environment of servers, for the test of this program.
const isServer = "CONCORD_PAYMENTS_SERVER"

// url is where the server is, or was last.
func (s *server) url() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.base
}

// kill ends the process with SIGKILL.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// killAndStart kills the process and starts another. One that has ended by
// itself is an error.
func (s *server) killAndStart(ctx context.Context) error {
	if s.cmd.ProcessState != nil || s.cmd.Process.Signal(syscall.Signal(0)) != nil {
		return fmt.Errorf("a server ended by itself: %s", s.said)
	}
	s.kill()
	return s.start(ctx)
}

// tail is the end of what was written to it. It is safe for concurrent use.
type tail struct {
	mu  sync.Mutex
	end []byte
}

const maxTail = 4 << 10 // bytes

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = append(t.end, p...)
	t.end = t.end[max(0, len(t.end)-maxTail):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.end)
}
