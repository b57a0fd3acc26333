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

// shown is how the program begins to serve, and onAnyPort what the test has it
// do in its place: the port that the README shows may be in use.
const (
	shown     = `http.ListenAndServe("127.0.0.1:8080", `
	anyPort   = `listenAndServeOnAnyPort(`
	onAnyPort = `package main

import (
	"fmt"
	"net"
	"net/http"
)

func listenAndServeOnAnyPort(handler http.Handler) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	return http.Serve(listener, handler)
}
`
)

// start runs the program and returns the address on which it listens.
func start(t *testing.T) string {
	t.Helper()
	program := exec.CommandContext(t.Context(), build(t))
	program.Stderr = t.Output()
	stdout, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = program.Process.Kill()
		_ = program.Wait()
	})
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the program ended before it listened: %v", err)
	}
	return strings.TrimSpace(address)
}

// build compiles main.go with the address on which it listens changed, and
// nothing else.
func build(t *testing.T) string {
	t.Helper()
	original, err := filepath.Abs("main.go")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(original)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(program), shown) != 1 {
		t.Fatalf("main.go does not have %s once; change the test with it", shown)
	}
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		original: write("main.go", strings.Replace(string(program), shown, anyPort, 1)),
		filepath.Join(filepath.Dir(original), "anyport.go"): write("anyport.go", onAnyPort),
	}})
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "readme")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-overlay", write("overlay.json", string(overlay)), "-o", binary, ".").CombinedOutput()
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
