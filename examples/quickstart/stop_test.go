package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// asProgram, in the environment, has the test binary be the quickstart.
const asProgram = "QUICKSTART_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// unfinished is a request whose body never comes. That the server says 100
// Continue shows that the handler waits for it.
const unfinished = "POST /documents HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"

// hold sends the unfinished request and returns when it is under way.
func hold(t *testing.T, conn net.Conn) {
	t.Helper()
	if _, err := io.WriteString(conn, unfinished); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q, %v", line, err)
	}
}

// pipes is a listener on connections within the process, which a bubble of
// synctest can wait for.
type pipes struct {
	conns  chan net.Conn
	closed context.Context
	close  context.CancelFunc
}

func newPipes() *pipes {
	closed, closeIt := context.WithCancel(context.Background())
	return &pipes{make(chan net.Conn), closed, closeIt}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed.Done():
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.close(); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func TestAStuckClientIsCutOffAndSaidToBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		listener := newPipes()
		var stdout, stderr bytes.Buffer
		ended := make(chan error)
		go func() {
			ended <- show(ctx, listener, parts{kept: keptInMemory(), form: forms["json"], serve: true}, &stdout, &stderr)
		}()

		client, server := net.Pipe()
		defer client.Close()
		listener.conns <- server
		hold(t, client)
		told := time.Now()
		stop()
		// What the server still has to say to a client that does not listen
		// would hold a pipe up, and no socket.
		go io.Copy(io.Discard, client)

		err := <-ended
		if err == nil || !strings.Contains(err.Error(), "still under way 5s after the program was told to stop were cut off") {
			t.Errorf("%v", err)
		}
		if waited := time.Since(told); waited != shutdownTime {
			t.Errorf("waited %v", waited)
		}
		if !strings.Contains(stdout.String(), "Stopping. Requests under way have 5s") {
			t.Errorf("printed %s", &stdout)
		}
	})
}

func TestASecondSignalEndsTheProgramAtOnce(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals can be sent")
	}
	program := exec.CommandContext(t.Context(), os.Args[0], "-addr=127.0.0.1:0", "-tour=false")
	program.Env = append(os.Environ(), asProgram+"=1")
	program.Stderr = t.Output()
	stdout, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(stdout)
	until := func(prefix string) string {
		for said.Scan() {
			if rest, ok := strings.CutPrefix(said.Text(), prefix); ok {
				return rest
			}
		}
		t.Fatalf("never said %q", prefix)
		return ""
	}
	address, _, _ := strings.Cut(until("Serving on http://"), " ")
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	hold(t, conn)

	interrupt := func() {
		if err := program.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
	}
	interrupt()
	until("Stopping.")
	interrupt()
	var exit *exec.ExitError
	if err := program.Wait(); !errors.As(err, &exit) {
		t.Fatalf("%v; want an end by the signal", err)
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); !ok || !status.Signaled() || status.Signal() != syscall.SIGINT {
		t.Errorf("%v; want an end by the signal", exit)
	}
}

// fullWriter takes a number of writes, and no more.
type fullWriter struct{ room int }

var errFullDisk = errors.New("no space left")

func (w *fullWriter) Write(b []byte) (int, error) {
	if w.room--; w.room < 0 {
		return 0, errFullDisk
	}
	return len(b), nil
}

func TestWhatCannotBePrintedFailsTheProgram(t *testing.T) {
	list := []scenario{{"list", func(t *tour) { t.step("listed", get("/documents"), want{status: http.StatusOK}) }}}
	for _, c := range []struct {
		name string
		room int
		args []string
	}{
		{"from the start", 0, []string{"-serve=false"}},
		{"in the middle of the tour", 3, []string{"-serve=false"}},
		{"before it serves", 0, []string{"-tour=false"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stderr bytes.Buffer
			status := run(t.Context(), append(c.args, "-addr=127.0.0.1:0"), list, &fullWriter{c.room}, &stderr)
			if status != 1 || stderr.String() != "quickstart: no space left\n" {
				t.Errorf("status %d, %q", status, &stderr)
			}
		})
	}
}
