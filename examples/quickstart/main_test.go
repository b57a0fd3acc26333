package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestFlagsThatMakeNoSense(t *testing.T) {
	for _, c := range []struct {
		name   string
		args   []string
		status int
		stderr string
	}{
		{"help", []string{"-help"}, 0, "stay up after the tour"},
		{"an unknown flag", []string{"-colour"}, 2, "not defined"},
		{"an argument", []string{"now"}, 2, `what is "now"?`},
		{"a form of problems that is none", []string{"-respond", "xml"}, 2, `-respond "xml"? It is json, negotiate or stripe.`},
		{"an address that is none", []string{"-addr", "nowhere"}, 1, "missing port"},
		{"nothing to do", []string{"-addr", "127.0.0.1:0", "-tour=false", "-serve=false"}, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			status := run(t.Context(), c.args, nil, &stdout, &stderr)
			if status != c.status || !strings.Contains(stderr.String(), c.stderr) {
				t.Errorf("status %d, %s", status, &stderr)
			}
		})
	}
}

func TestWhatConcordDecidesIsLoggedIfAskedFor(t *testing.T) {
	refused := []scenario{{"refused", func(t *tour) {
		t.step("", put("/documents/1", Document{Title: "A"}), want{status: 428, kind: "precondition-required"})
	}}}
	for _, c := range []struct{ flag, logged string }{
		{"-log=false", ""},
		{"-log", `msg="concord: refused" layer=etag method=PUT resource=/documents/1 problem=precondition-required instance=urn:uuid:`},
	} {
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), []string{"-addr", "127.0.0.1:0", "-serve=false", c.flag}, refused, &stdout, &stderr)
		if status != 0 || !strings.Contains(stderr.String(), c.logged) || (stderr.Len() > 0) != (c.logged != "") {
			t.Errorf("%s: status %d, %s", c.flag, status, &stderr)
		}
	}
}

func TestAnAddressInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), []string{"-addr", taken.Addr().String()}, scenarios, &stdout, &stderr)
	if status != 1 || !strings.Contains(stderr.String(), "address already in use\nChoose another address") {
		t.Errorf("status %d, %s", status, &stderr)
	}
	if stdout.Len() > 0 {
		t.Errorf("printed %s", &stdout)
	}
}

func TestItServesUntilItIsToldToStop(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, in := io.Pipe()
	var stderr bytes.Buffer
	ended := make(chan int)
	go func() {
		defer close(ended)
		ended <- run(ctx, []string{"-addr", ":0", "-tour=false"}, scenarios, in, &stderr)
	}()

	var base string
	for lines := bufio.NewScanner(out); base == "" && lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "Serving on "); ok {
			base, _, _ = strings.Cut(rest, " ")
		}
	}
	go io.Copy(io.Discard, out)

	// An open stream does not keep the program from ending.
	events, err := http.Get(base + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer events.Body.Close()
	stop()
	if status := <-ended; status != 0 || stderr.Len() > 0 {
		t.Errorf("status %d, %s", status, &stderr)
	}
	if _, err := io.ReadAll(events.Body); err != nil {
		t.Errorf("the stream did not end well: %v", err)
	}
	in.Close()
}
