// Package console writes what curl would show of requests to a server, for
// pages that show it: what they show is what was answered.
package console

import (
	"bufio"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Step is one command. A %s in its fields is the first ETag that was answered.
type Step struct {
	Note, Method, Path, User string
	Fields                   []string // "Name: value"
	Body                     string
}

// Shown is the address in every command, whatever the server listens on.
const Shown = "127.0.0.1:8080"

var update = flag.Bool("update", false, "write what happened into testdata, from where pages show it")

// Hold compares what happened in a test with the file in testdata that says so,
// from which a page shows it. With the flag -update it writes the file.
func Hold(t *testing.T, name, happened string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(happened), 0o644); err != nil { //nolint:gosec // it is there to be read
			t.Fatal(err)
		}
	}
	shown, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(shown) != happened {
		t.Errorf("%s is not what happened; go test -update writes it\n--- shown\n%s--- happened\n%s", path, shown, happened)
	}
}

// Of sends the steps to the server at address, one after another, and returns
// the commands and the answers.
func Of(t *testing.T, address string, steps []Step) string {
	t.Helper()
	var out strings.Builder
	tag := ""
	for i, s := range steps {
		if i > 0 {
			out.WriteString("\n")
		}
		fields := make([]string, len(s.Fields))
		for j, field := range s.Fields {
			fields[j] = strings.ReplaceAll(field, "%s", tag)
		}
		s.Fields = fields
		fmt.Fprintf(&out, "# %s\n%s\n", s.Note, s.curl())
		answer := s.send(t, address)
		out.WriteString(answer)
		if found := regexp.MustCompile(`(?m)^Etag: (.*)$`).FindStringSubmatch(answer); found != nil && tag == "" {
			tag = found[1]
		}
	}
	return out.String()
}

// curl is the command that sends s. With a body and no method it is a POST.
func (s Step) curl() string {
	command := "$ curl -i"
	if s.Method != http.MethodGet && s.Method != http.MethodPost {
		command += " -X " + s.Method
	}
	if s.User != "" {
		command += " -u " + s.User
	}
	command += " " + Shown + s.Path
	for _, field := range s.Fields {
		command += " -H '" + field + "'"
	}
	if s.Body != "" {
		command += " -d '" + s.Body + "'"
	}
	return command
}

// constants stand for the parts of an answer that differ from run to run.
var constants = map[*regexp.Regexp]string{
	regexp.MustCompile(`(?m)^Date: .*$`):                   "Date: Sun, 22 Nov 2026 09:00:00 GMT",
	regexp.MustCompile(`urn:uuid:[0-9a-f-]+`):              "urn:uuid:6f1ed002-9ab3-4c2c-8d2f-3f1f6f4b8a57",
	regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`): `"2026-11-22T09:00:00Z`,
}

// send returns the answer as it comes over the wire, but for constants.
func (s Step) send(t *testing.T, address string) string {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	fields := []string{"Host: " + address, fmt.Sprintf("Content-Length: %d", len(s.Body))}
	if s.User != "" {
		fields = append(fields, "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(s.User)))
	}
	fields = append(fields, s.Fields...)
	_, err = fmt.Fprintf(conn, "%s %s HTTP/1.1\r\n%s\r\n\r\n%s", s.Method, s.Path, strings.Join(fields, "\r\n"), s.Body)
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
	answered, _, _ := strings.Cut(head.String(), "\r\n\r\n")
	answer := strings.ReplaceAll(answered, "\r\n", "\n") + "\n\n" + strings.TrimSuffix(string(content), "\n") + "\n"
	if len(content) == 0 {
		answer = strings.TrimSuffix(answer, "\n")
	}
	for pattern, constant := range constants {
		answer = pattern.ReplaceAllString(answer, constant)
	}
	return answer
}
