package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
)

// width is that of a terminal, in columns.
const width = 80

// paper is what the tour is printed on: requests as they would be typed for
// curl, answers as curl -i shows them. On a terminal with a little emphasis.
type paper struct {
	out            io.Writer
	bold, dim, end string
	failed         error // the first failure to write; nothing is printed after it
}

// newPaper returns a paper that prints to out. Escape codes are for terminals
// alone, and NO_COLOR turns them off there, too.
func newPaper(out io.Writer) *paper {
	file, ok := out.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" {
		return &paper{out: out}
	}
	if info, err := file.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return &paper{out: out}
	}
	return &paper{out: out, bold: "\x1b[1m", dim: "\x1b[2m", end: "\x1b[0m"}
}

func (p *paper) print(format string, args ...any) {
	if p.failed == nil {
		_, p.failed = fmt.Fprintf(p.out, format, args...)
	}
}

func (p *paper) heading(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	p.print("\n%s%s\n%s%s\n", p.bold, text, strings.Repeat("=", len(text)), p.end)
}

// says prints what just happened.
func (p *paper) says(line string) {
	p.print("\n%s-> %s%s\n", p.bold, line, p.end)
}

// note prints lines that belong to the answer.
func (p *paper) note(format string, args ...any) {
	p.print(format+"\n", args...)
}

// request prints r as the curl command that sends it.
func (p *paper) request(base string, r request) {
	var b strings.Builder
	b.WriteString("$ ")
	if r.zeros > 0 {
		fmt.Fprintf(&b, "head -c %d /dev/zero |\n  ", r.zeros)
	}
	b.WriteString("curl -i")
	if r.stream {
		b.WriteString("N") // events as they come
	}
	if r.user != "" {
		b.WriteString(" -u " + r.user + ":")
	}
	if r.method != http.MethodGet {
		b.WriteString(" -X " + r.method)
	}
	if url := base + r.path; strings.ContainsAny(url, "?&") {
		b.WriteString(" " + quote(url)) // a shell would look for files
	} else {
		b.WriteString(" " + url)
	}
	options := slices.Clone(r.fields)
	for i, line := range options {
		options[i] = "-H " + quote(line)
	}
	if r.body != "" {
		options = append(options, "-d "+quote(r.body))
	}
	if r.zeros > 0 {
		options = append(options, "--data-binary @-")
	}
	for _, o := range options {
		b.WriteString(" \\\n    " + o)
	}
	if r.cut {
		fmt.Fprintf(&b, " | cut -c 1-%d", width)
	}
	p.print("\n%s%s%s\n\n", p.bold, b.String(), p.end)
}

// quote returns s as one word of a shell.
func quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// answer prints a: status line, fields by name, body; of a long line the
// beginning, if it is to be cut.
func (p *paper) answer(a answer, cut bool) {
	p.print("%s %s\n", a.proto, a.status)
	for _, name := range slices.Sorted(maps.Keys(a.header)) {
		for _, value := range a.header[name] {
			p.print("%s%s:%s %s\n", p.dim, name, p.end, value)
		}
	}
	switch {
	case a.body == "":
	case cut:
		p.print("\n%s\n", cutLines(a.body))
	default:
		p.print("\n%s\n", readable(a.body))
	}
}

// readable returns body, a member a line if it is JSON too long for one: the
// only thing in which the tour is not what curl would show.
func readable(body string) string {
	body = strings.TrimRight(body, "\n")
	var lines bytes.Buffer
	if len(body) <= width || json.Indent(&lines, []byte(body), "", "  ") != nil {
		return body
	}
	return lines.String()
}

// cutLines returns text without what is beyond the width of a terminal.
func cutLines(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = line[:min(len(line), width)]
	}
	return strings.Join(lines, "\n")
}
