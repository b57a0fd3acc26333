// Package main is the program that the README shows. Its test writes down what
// the program answers, in testdata; package docs holds the README to both.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/concordhttp/concord/examples/internal/console"
)

// TestTranscripts: what the README shows of the program is what it answers.
// That the README shows main.go and these is for package docs to see.
func TestTranscripts(t *testing.T) {
	address := start(t)
	console.Hold(t, "notes.console", console.Of(t, address, notes))
	console.Hold(t, "payments.console", console.Of(t, address, payments))
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
