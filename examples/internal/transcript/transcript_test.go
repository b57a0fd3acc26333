package transcript

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestShownLinesAreThoseOfTheAnswer(t *testing.T) {
	answer := []string{"HTTP/1.1 200 OK", "A: 1", "B: 2", "", "text"}
	for shown, want := range map[string]bool{
		"HTTP/1.1 200 OK|A: 1|B: 2||text": true,
		"HTTP/1.1 200 OK|…|text":          true,
		"…|B: 2|…":                        true,
		"…":                               true,
		"HTTP/1.1 200 OK|…|A: 1|B: 2||…|text": true,
		"HTTP/1.1 200 OK":                     false,
		"HTTP/1.1 201 Created|…":              false,
		"…|B: 2|…|A: 1|…":                     false,
		"…|C: 3|…":                            false,
	} {
		if got := matches(answer, strings.Split(shown, "|")); got != want {
			t.Errorf("%s: %t", shown, got)
		}
	}
}

func TestCommandsAreReadAsAShellWould(t *testing.T) {
	r, err := parse(`curl -i -X PUT 127.0.0.1:8080/a?b=c -u ann:secret -H 'If-Match: "x y"' -d 'some text'`)
	if err != nil {
		t.Fatal(err)
	}
	want := "PUT /a?b=c HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\nAuthorization: Basic YW5uOnNlY3JldA==\r\nIf-Match: \"x y\"\r\n\r\nsome text"
	if got := r.wire("h"); got != want {
		t.Errorf("%q", got)
	}
	for _, command := range []string{"wget /", "curl --fail /", "curl -H", "curl 'a"} {
		if _, err := parse(command); err == nil {
			t.Errorf("%s is read", command)
		}
	}
}

// TestTheRoutersShowTheSame: one table of requests for all of them, and programs
// under 60 lines without it.
func TestTheRoutersShowTheSame(t *testing.T) {
	var first []step
	for _, name := range []string{"nethttp", "chi", "gin", "echo"} {
		file := filepath.Join("..", "..", name, "main.go")
		steps := read(t, file)
		if len(steps) != 5 {
			t.Fatalf("%s shows %d commands", name, len(steps))
		}
		if first == nil {
			first = steps
		}
		if !reflect.DeepEqual(first, steps) {
			t.Errorf("%s shows others than nethttp", name)
		}
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, program, _ := strings.Cut(string(content), "\npackage main\n")
		if lines := strings.Count(program, "\n"); lines >= 60 {
			t.Errorf("%s has %d lines", name, lines)
		}
	}
}
