package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/concordhttp/concord/middleware/problem"
)

// program runs the quickstart with these scenarios, without staying up.
func program(t *testing.T, scenarios []scenario) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(t.Context(), []string{"-addr", "127.0.0.1:0", "-serve=false"}, scenarios, &out, &errs)
	return status, out.String(), errs.String()
}

func TestTheTour(t *testing.T) {
	status, stdout, stderr := program(t, scenarios)
	if status != 0 || stderr != "" {
		t.Fatalf("status %d, %s\n%s", status, stderr, stdout)
	}
	t.Run("shows what it is about", func(t *testing.T) { showsEverything(t, stdout) })
	t.Run("shows each kind of problem", func(t *testing.T) { showsEveryKind(t, stdout) })
	t.Run("fits a terminal", func(t *testing.T) { fitsATerminal(t, stdout) })
}

func showsEverything(t *testing.T, stdout string) {
	t.Helper()
	for _, part := range []string{
		"$ curl -i -X PUT http://127.0.0.1:",
		"HTTP/1.1 412 Precondition Failed\n",
		"HTTP/1.1 428 Precondition Required\n",
		"HTTP/1.1 304 Not Modified\n",
		"  1 x 200 OK\n 15 x 412 Precondition Failed\n",
		"/payments?slow=2s' \\\n    -H 'Idempotency-Key: \"",
		"Idempotency-Replayed: true\n",
		"HTTP/1.1 422 Unprocessable Entity\n",
		"problems.md#request-in-flight",
		"problems.md#outcome-unknown",
		"curl: (52) Empty reply from server\n",
		"$ curl -i -u ann: -X LOCK http://127.0.0.1:",
		"Lock-Token: <urn:uuid:",
		"Cache-Status: concord; fwd=miss; collapsed\n",
		"$ head -c 65537 /dev/zero |\n  curl -i -u ann: ",
		" | cut -c 1-80\n\nHTTP/1.1 201 Created\n",
		"event: change\ndata: created ",
		"Every answer was the one expected.",
	} {
		if !strings.Contains(stdout, part) {
			t.Errorf("the tour does not show %q", part)
		}
	}
	for _, s := range scenarios {
		if !strings.Contains(stdout, ". "+s.title+"\n") {
			t.Errorf("the tour leaves out %q", s.title)
		}
	}
	if strings.Contains(stdout, "\x1b") {
		t.Error("escape codes where there is no terminal")
	}
}

// elsewhere are the kinds that it takes a database for.
var elsewhere = []problem.Kind{
	problem.KindWriteConflict,    // it gives up on a concurrent write
	problem.KindResponseTooLarge, // the answer is held until its transaction commits
}

// showsEveryKind holds the tour against the page that has a section for each.
func showsEveryKind(t *testing.T, stdout string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/problems.md")
	if err != nil {
		t.Fatal(err)
	}
	kinds := regexp.MustCompile(`(?m)^\| \[([a-z-]+)\]`).FindAllStringSubmatch(string(page), -1)
	if len(kinds) < 22 {
		t.Fatalf("%d kinds on the page, expected more", len(kinds))
	}
	for _, k := range kinds {
		shown := strings.Contains(stdout, `problems.md#`+k[1]+`",`)
		if want := !slices.Contains(elsewhere, problem.Kind(k[1])); shown != want {
			t.Errorf("%s is shown: %v, want %v", k[1], shown, want)
		}
	}
}

func TestProblemsAreShownInTheFormThatWasAskedFor(t *testing.T) {
	for name, form := range forms {
		for other, shown := range forms {
			t.Run(other+" of a server that was asked for "+name, func(t *testing.T) {
				stack, err := newStack(keptInMemory(), form.respond, nil)
				if err != nil {
					t.Fatal(err)
				}
				server := httptest.NewServer(newHandler(stack, newAPI()))
				defer server.Close()
				err = giveTour(t.Context(), server.URL, []scenario{shown.shown}, new(bytes.Buffer))
				if (err == nil) != (name == other) && (name != "stripe" || other != "json") { // a superset
					t.Error(err)
				}
			})
		}
	}
}

// What the answers say may be longer; what the tour says is not.
func fitsATerminal(t *testing.T, stdout string) {
	t.Helper()
	for line := range strings.Lines(stdout) {
		line = strings.TrimRight(line, "\n")
		ours := strings.HasPrefix(line, "-> ") || strings.HasPrefix(line, "$ ") || strings.HasPrefix(line, "  curl") || strings.HasPrefix(line, "    -")
		if ours && len(line) > width {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
}

func TestAnAnswerThatIsNotTheStatedOneEndsTheProgram(t *testing.T) {
	create := post(Document{Title: "A", Body: "a"})
	list := get("/documents")
	for _, c := range []struct {
		name   string
		sent   request
		wrong  want
		stderr string
	}{
		{"status", list, want{status: 201}, "answered 200 OK, expected 201"},
		{"no problem, and one expected", list, want{status: 200, kind: "duplicate"}, `the problem is "", expected "duplicate"`},
		{"another problem", put("/documents/1", Document{Title: "B"}), want{status: 428, kind: "duplicate"}, `"precondition-required", expected "duplicate"`},
		{"a problem, and none expected", put("/documents/1", Document{Title: "B"}), want{status: 428}, `"precondition-required", expected ""`},
		{"field missing", list, want{status: 200, fields: []string{"Location"}}, "field Location"},
		{"field with another value", list, want{status: 200, fields: []string{"Content-Type: text/html"}}, "field Content-Type"},
		{"field that may not be", list, want{status: 200, without: []string{"ETag"}}, "expected none"},
		{"body with a part that may not be", list, want{status: 200, lacks: []string{`"title"`}}, `the body has "title", expected none`},
		{"body without a part", list, want{status: 200, body: []string{"elephant"}}, "no elephant"},
		{"body not exactly that", list, want{status: 200, exactly: &answer{body: "[]"}}, "the body is"},
	} {
		t.Run(c.name, func(t *testing.T) {
			reached := false
			status, stdout, stderr := program(t, []scenario{{"right, then wrong", func(t *tour) {
				t.step("right", create, want{status: 201})
				t.step("wrong", c.sent, c.wrong)
				t.step("not reached", list, want{status: 200})
			}}, {"not played", func(*tour) { reached = true }}})
			if status != 1 || !strings.Contains(stderr, "step 1.2 of the tour, "+c.sent.method) || !strings.Contains(stderr, c.stderr) {
				t.Errorf("status %d, %s", status, stderr)
			}
			if strings.Contains(stdout, "not reached") || reached {
				t.Error("the tour went on")
			}
		})
	}
}

// The tour is worth something only if it fails where Concord does not do its
// work.
func TestTheTourSeesALostUpdate(t *testing.T) {
	handler, a := newProtected(t)
	defer a.events.Close()
	blind := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && r.Header.Get("If-Match") != "" {
			r.Header.Set("If-Match", "*") // whatever there is may be overwritten
		}
		handler.ServeHTTP(w, r)
	})
	server := httptest.NewServer(blind)
	defer server.Close()
	var out bytes.Buffer
	err := giveTour(t.Context(), server.URL, scenarios, &out)
	if err == nil || !strings.Contains(err.Error(), "step 2.3 of the tour, PUT /documents/1: answered 200 OK, expected 412") {
		t.Errorf("the tour on a server that loses updates: %v", err)
	}
}

func TestTheTourSeesThatConcordIsNotThere(t *testing.T) {
	handler, _ := newAlone(t)
	server := httptest.NewServer(handler)
	defer server.Close()
	alone := []scenario{{"reading", func(t *tour) {
		t.step("", get("/documents/1"), want{status: 200, fields: []string{"ETag"}})
	}}}
	if err := giveTour(t.Context(), server.URL, alone, new(bytes.Buffer)); err == nil {
		t.Error("no tag, and nothing said")
	}
}

// Servers that are wrong in what one request alone does not show.
func TestScenariosSeeWhatTheyAreAbout(t *testing.T) {
	answers := func(put int, events string) http.Handler {
		mux := http.NewServeMux()
		mux.HandleFunc("GET /documents/1", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("ETag", `"a"`) })
		mux.HandleFunc("PUT /documents/1", func(w http.ResponseWriter, _ *http.Request) {
			if put == http.StatusPreconditionFailed {
				problem.JSON(w, nil, problem.VersionMismatch(""))
				return
			}
			w.WriteHeader(put)
		})
		mux.HandleFunc("POST /documents", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })
		mux.HandleFunc("GET /events", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, events)
		})
		return mux
	}
	for _, c := range []struct {
		name   string
		server http.Handler
		play   func(*tour)
		wrong  string
	}{
		{"every writer wins", answers(200, ""), race, "16 writers of one version were let through, expected 1"},
		{"no writer wins", answers(412, ""), race, "0 writers of one version were let through, expected 1"},
		{"writers get something else", answers(500, ""), race, "answered 500 Internal Server Error, expected 200 or 412"},
		{"both slow writes are done", answers(200, ""), busy, "answered 200 OK, expected 409"},
		{"neither slow write is done", answers(412, ""), busy, "answered 412 Precondition Failed, expected 409"},
		{"the stream ends before its first event", answers(0, ""), streams, "not the one with hello in it"},
		{"the change is not among the events", answers(0, "event: hello\n\n"), streams, "not the one with created in it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(c.server)
			defer server.Close()
			err := giveTour(t.Context(), server.URL, []scenario{{c.name, c.play}}, new(bytes.Buffer))
			if err == nil || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%v; want %s", err, c.wrong)
			}
		})
	}
}

func TestTheTourEndsWhenTheServerIsGone(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	err := giveTour(t.Context(), server.URL, scenarios, new(bytes.Buffer))
	if err == nil || !strings.Contains(err.Error(), "step 1.1") {
		t.Errorf("%v", err)
	}
}
