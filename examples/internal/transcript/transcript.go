// Package transcript holds a program to the transcript in its header comment:
// commands of curl, each with the answer that it gets. A line of the answer that
// is only "…" stands for any number of lines.
package transcript

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

const leftOut = "…"

// step is one command, with the lines of its answer as they are shown.
type step struct {
	command string
	answer  []string
}

// Hold sends the commands of the file's header comment to handler, over a socket
// of its own, and compares the answers.
func Hold(t *testing.T, file string, handler http.Handler) {
	t.Helper()
	steps := read(t, file)
	if len(steps) == 0 {
		t.Fatalf("%s shows no commands", file)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	for _, s := range steps {
		r, err := parse(s.command)
		if err != nil {
			t.Fatal(err)
		}
		answer := send(t, server.Listener.Addr().String(), r)
		if !matches(answer, s.answer) {
			t.Errorf("%s shows\n%s\n%s\nand the answer is\n%s", file, s.command,
				strings.Join(s.answer, "\n"), strings.Join(answer, "\n"))
		}
	}
}

// read takes the transcript out of the comment that a file begins with.
func read(t *testing.T, file string) (steps []step) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(content)) {
		line, comment := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "//")
		shown, indented := strings.CutPrefix(line, "\t")
		command, is := strings.CutPrefix(shown, "$ ")
		switch {
		case !comment:
			return steps
		case !indented:
		case is:
			steps = append(steps, step{command: command})
		case len(steps) > 0:
			last := &steps[len(steps)-1]
			last.answer = append(last.answer, shown)
		}
	}
	return steps
}

// matches reports whether the lines are those that are shown.
func matches(lines, shown []string) bool {
	switch {
	case len(shown) == 0:
		return len(lines) == 0
	case shown[0] == leftOut:
		return matches(lines, shown[1:]) || len(lines) > 0 && matches(lines[1:], shown)
	}
	return len(lines) > 0 && lines[0] == shown[0] && matches(lines[1:], shown[1:])
}

// send returns the lines of the answer as curl -i prints it.
func send(t *testing.T, address string, r *request) []string {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err = io.WriteString(conn, r.wire(address)); err != nil {
		t.Fatal(err)
	}
	var head bytes.Buffer
	res, err := http.ReadResponse(bufio.NewReader(io.TeeReader(conn, &head)), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	fields, _, _ := strings.Cut(head.String(), "\r\n\r\n")
	lines := append(strings.Split(fields, "\r\n"), "")
	if len(body) > 0 {
		lines = append(lines, strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")...)
	}
	return lines
}
