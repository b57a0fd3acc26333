// Package main is the program that the README shows. Its test holds the README
// to it: the program there is main.go, and the transcript what it answers.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const readme = "../../README.md"

var update = flag.Bool("update", false, "write program and transcript into the README")

// step is one command of the transcript, without what all have in common.
type step struct {
	note, method, field, body string
}

var steps = []step{
	{"Create a note, unless there is one already.", "PUT", "If-None-Match: *", "Buy milk."},
	{"Read it. The ETag names this version.", "GET", "", ""},
	{"Change that version.", "PUT", "If-Match: %s", "Buy milk and bread."},
	{"Somebody else changes the same version, which is not current any more.", "PUT", "If-Match: %s", "Buy milk and tea."},
}

func TestREADMEShowsThisProgram(t *testing.T) {
	program, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	hold(t, "go", string(program))
}

func TestREADMEShowsWhatTheProgramAnswers(t *testing.T) {
	hold(t, "console", transcript(t, start(t)))
}

// hold compares the README's first block in a language with what it must be.
func hold(t *testing.T, language, want string) {
	t.Helper()
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```" + language + "\n(.*?)```\n")
	found := block.FindStringSubmatchIndex(string(text))
	if found == nil {
		t.Fatalf("no block of %s in the README", language)
	}
	switch got := string(text[found[2]:found[3]]); {
	case got == want:
	case *update:
		text := string(text[:found[2]]) + want + string(text[found[3]:])
		if err := os.WriteFile(readme, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the README's block of %s is not what it should be; go test ./examples/readme -update writes it\n--- README\n%s--- is\n%s", language, got, want)
	}
}

// start runs the program, on a free port, and returns its address.
func start(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()

	binary := build(t, address)
	program := exec.CommandContext(t.Context(), binary)
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = program.Process.Kill()
		_ = program.Wait()
	})
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address); err == nil {
			_ = conn.Close()
			return address
		}
	}
	t.Fatal("the program does not listen")
	return ""
}

// build compiles main.go with another address than the one that it shows.
func build(t *testing.T, address string) string {
	t.Helper()
	original, err := filepath.Abs("main.go")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(original)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	changed := filepath.Join(dir, "main.go")
	overlay, _ := json.Marshal(map[string]any{"Replace": map[string]string{original: changed}})
	for name, content := range map[string]string{
		changed:                            strings.Replace(string(program), "127.0.0.1:8080", address, 1),
		filepath.Join(dir, "overlay.json"): string(overlay),
	} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	binary := filepath.Join(dir, "readme")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// transcript sends each step and prints it as curl -i would.
func transcript(t *testing.T, address string) string {
	t.Helper()
	var out strings.Builder
	tag := ""
	for i, s := range steps {
		if i > 0 {
			out.WriteString("\n")
		}
		field := s.field
		if strings.Contains(field, "%s") {
			field = fmt.Sprintf(field, tag)
		}
		fmt.Fprintf(&out, "# %s\n$ curl -i%s 127.0.0.1:8080/notes/1%s%s\n", s.note,
			flagOf(" -X ", strings.TrimPrefix(s.method, "GET")), quoted(" -H ", field), quoted(" -d ", s.body))
		answer := send(t, address, s.method, field, s.body)
		out.WriteString(answer)
		if found := regexp.MustCompile(`(?m)^Etag: (.*)$`).FindStringSubmatch(answer); found != nil && tag == "" {
			tag = found[1]
		}
	}
	return out.String()
}

func flagOf(name, value string) string {
	if value == "" {
		return ""
	}
	return name + value
}

func quoted(name, value string) string {
	if value == "" {
		return ""
	}
	return name + "'" + value + "'"
}

// send returns the answer as it comes over the wire, with the parts that differ
// from run to run replaced.
func send(t *testing.T, address, method, field, body string) string {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if field != "" {
		field += "\r\n"
	}
	_, err = fmt.Fprintf(conn, "%s /notes/1 HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n%s\r\n%s", method, address, len(body), field, body)
	if err != nil {
		t.Fatal(err)
	}
	var head strings.Builder
	res, err := http.ReadResponse(bufio.NewReader(io.TeeReader(conn, &head)), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	content, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	fields, _, _ := strings.Cut(head.String(), "\r\n\r\n")
	answer := strings.ReplaceAll(fields, "\r\n", "\n") + "\n\n" + strings.TrimSuffix(string(content), "\n") + "\n"
	if len(content) == 0 {
		answer = strings.TrimSuffix(answer, "\n")
	}
	for pattern, constant := range map[string]string{
		`(?m)^Date: .*$`:      "Date: Sun, 22 Nov 2026 09:00:00 GMT",
		`urn:uuid:[0-9a-f-]+`: "urn:uuid:6f1ed002-9ab3-4c2c-8d2f-3f1f6f4b8a57",
	} {
		answer = regexp.MustCompile(pattern).ReplaceAllString(answer, constant)
	}
	return answer
}
