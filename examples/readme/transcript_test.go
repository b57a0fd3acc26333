package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// step is one command of a transcript. A %s in its field is the first ETag
// that was answered.
type step struct {
	note, method, path, user, field, body string
}

var notes = []step{
	{"Create a note, unless there is one already.", "PUT", "/notes/1", "", "If-None-Match: *", "Buy milk."},
	{"Read it. The ETag names this version.", "GET", "/notes/1", "", "", ""},
	{"Change that version.", "PUT", "/notes/1", "", "If-Match: %s", "Buy milk and bread."},
	{"Somebody else changes the same version, which is not current any more.", "PUT", "/notes/1", "", "If-Match: %s", "Buy milk and tea."},
}

var payments = []step{
	{"Pay, with a key made up for this payment. Suppose that the answer is lost on its way.",
		"POST", "/payments", "ann:secret", `Idempotency-Key: "8e03978e-40d5"`, "EUR 12.50"},
	{"So the same is sent again. The handler does not run, and this is the first answer.",
		"POST", "/payments", "ann:secret", `Idempotency-Key: "8e03978e-40d5"`, "EUR 12.50"},
}

// transcript sends each step and prints it as curl -i would.
func transcript(t *testing.T, address string, steps []step) string {
	t.Helper()
	var out strings.Builder
	tag := ""
	for i, s := range steps {
		if i > 0 {
			out.WriteString("\n")
		}
		s.field = strings.ReplaceAll(s.field, "%s", tag)
		fmt.Fprintf(&out, "# %s\n%s\n", s.note, s.curl())
		answer := s.send(t, address)
		out.WriteString(answer)
		if found := regexp.MustCompile(`(?m)^Etag: (.*)$`).FindStringSubmatch(answer); found != nil && tag == "" {
			tag = found[1]
		}
	}
	return out.String()
}

// curl is the command that sends s. With a body and no method it is a POST.
func (s step) curl() string {
	command := "$ curl -i"
	if s.method != http.MethodGet && s.method != http.MethodPost {
		command += " -X " + s.method
	}
	if s.user != "" {
		command += " -u " + s.user
	}
	command += " 127.0.0.1:8080" + s.path
	if s.field != "" {
		command += " -H '" + s.field + "'"
	}
	if s.body != "" {
		command += " -d '" + s.body + "'"
	}
	return command
}

// send returns the answer as it comes over the wire, with the parts that differ
// from run to run replaced.
func (s step) send(t *testing.T, address string) string {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	fields := []string{"Host: " + address, fmt.Sprintf("Content-Length: %d", len(s.body))}
	if s.user != "" {
		fields = append(fields, "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(s.user)))
	}
	if s.field != "" {
		fields = append(fields, s.field)
	}
	_, err = fmt.Fprintf(conn, "%s %s HTTP/1.1\r\n%s\r\n\r\n%s", s.method, s.path, strings.Join(fields, "\r\n"), s.body)
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
	for pattern, constant := range map[string]string{
		`(?m)^Date: .*$`:      "Date: Sun, 22 Nov 2026 09:00:00 GMT",
		`urn:uuid:[0-9a-f-]+`: "urn:uuid:6f1ed002-9ab3-4c2c-8d2f-3f1f6f4b8a57",
	} {
		answer = regexp.MustCompile(pattern).ReplaceAllString(answer, constant)
	}
	return answer
}
