// Package main is the program that the README shows. Its test holds the README
// to it: the program there is main.go, and the transcripts what it answers.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/concordhttp/concord/examples/internal/console"
)

const readme = "../../README.md"

var update = flag.Bool("update", false, "write program and transcripts into the README")

func TestREADMEShowsThisProgram(t *testing.T) {
	program, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	hold(t, "go", string(program))
}

func TestREADMEShowsWhatTheProgramAnswers(t *testing.T) {
	address := start(t)
	hold(t, "console", console.Of(t, address, notes), console.Of(t, address, payments))
}

// hold compares the README's blocks in a language with what they must be.
func hold(t *testing.T, language string, want ...string) {
	t.Helper()
	content, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	block := regexp.MustCompile("(?s)```" + language + "\n(.*?)```\n")
	found := block.FindAllStringSubmatchIndex(text, -1)
	if len(found) != len(want) {
		t.Fatalf("%d blocks of %s in the README, want %d", len(found), language, len(want))
	}
	for i := len(want) - 1; i >= 0; i-- { // from the end, so that the places before stay right
		begin, end := found[i][2], found[i][3]
		if got := text[begin:end]; got != want[i] && !*update {
			t.Errorf("block %d of %s in the README is not what it should be; go test ./examples/readme -update writes it\n--- README\n%s--- is\n%s",
				i+1, language, got, want[i])
		}
		text = text[:begin] + want[i] + text[end:]
	}
	if *update && text != string(content) {
		if err := os.WriteFile(readme, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
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
