package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/concordhttp/concord/middleware/problem"
)

// stepTime is how long a step may wait for its answer.
const stepTime = 10 * time.Second

// A scenario is one chapter of the tour: steps that build on each other. It is
// written without looking at errors; see tour.failed.
type scenario struct {
	title string
	play  func(*tour)
}

var scenarios = []scenario{
	{"Read, and read again only what has changed", reads},
	{"Two people edit one version: no update is lost", lostUpdate},
	{"A change that is sent again is refused", patches},
	{"Sixteen writers, one version", race},
	{"What is refused before your handler runs", refusals},
	{"Delete what you have seen, not what it has become", deletes},
	{"Writes of one resource run one at a time", busy},
	{"While Ann edits, nobody else writes", locks},
	{"An update that is retried with a key gets its answer", retriedUpdate},
	{"A payment that is retried is charged once", payments},
	{"Two of the same at once", inFlight},
	{"It broke off, and nobody knows how far it came", crash},
	{"It was done, and its answer was too large to keep", tooLarge},
	{"Conflicts that your handlers find", handlerConflicts},
	{"Twenty ask at once, and the handler runs once", collapsed},
	{"What the server got wrong is said, too", failures},
	{"Streams pass", streams},
}

// giveTour plays scenarios against the server at base and prints them to out.
// Its error names the first step that was not answered as it should be, or says
// that out cannot be written to.
func giveTour(ctx context.Context, base string, scenarios []scenario, out io.Writer) error {
	t := &tour{
		ctx:  ctx,
		base: base,
		// Answers as they are: net/http would ask for gzip by itself.
		client: &http.Client{Transport: &http.Transport{DisableCompression: true}},
		paper:  newPaper(out),
	}
	defer t.client.CloseIdleConnections()
	t.paper.note("Documents, payments, bookings and reports, served on %s.\nEach command is one that you can type; long JSON is indented.", base)
	for i, s := range scenarios {
		t.chapter, t.steps = i+1, 0
		t.paper.heading("%d. %s", t.chapter, s.title)
		s.play(t)
		if err := errors.Join(t.failed, t.paper.failed); err != nil {
			return err
		}
	}
	t.paper.heading("Every answer was the one expected.")
	return t.paper.failed
}

// A tour sends requests and shows them with their answers. Its methods do
// nothing once a step has failed, so that scenarios need not ask.
type tour struct {
	ctx     context.Context
	base    string
	client  *http.Client
	paper   *paper
	chapter int // which scenario this is
	steps   int // taken in it so far
	failed  error
}

// A request is what a step sends. Fields are whole lines, "If-Match: *".
type request struct {
	method, path, body string
	fields             []string
	user               string // whose it is; empty: nobody's
	zeros              int    // the body is so many of them
	stream             bool   // the answer has no end
	cut                bool   // the answer has lines that are too long to be shown
}

// An answer is what came back; zero if there was none.
type answer struct {
	proto, status string // "HTTP/1.1", "200 OK"
	code          int
	header        http.Header
	body          string
}

// tag returns the answer's ETag field.
func (a answer) tag() string { return a.header.Get("ETag") }

// want is what a step expects of the answer.
type want struct {
	status  int
	kind    problem.Kind // of the problem; empty: the answer is none
	fields  []string     // "ETag": there is such a field; "Location: /documents/1": with this value
	without []string     // names of fields that it may not have
	body    []string     // parts of the body
	lacks   []string     // what is no part of it
	exactly *answer      // the body is that of another answer, byte for byte
}

// step sends r, shows it and its answer, holds the answer against w, and says in
// one line what just happened.
func (t *tour) step(says string, r request, w want) answer {
	if t.failed != nil {
		return answer{}
	}
	t.steps++
	t.paper.request(t.base, r)
	a, err := t.send(r)
	if err != nil {
		t.fail(r, err.Error())
		return answer{}
	}
	return t.shown(says, r, a, w)
}

// shown is the second half of a step: what comes after r's answer.
func (t *tour) shown(says string, r request, a answer, w want) answer {
	if t.failed != nil {
		return answer{}
	}
	t.paper.answer(a, r.cut)
	if wrong := w.compare(a); wrong != "" {
		t.fail(r, wrong)
		return answer{}
	}
	t.paper.says(says)
	return a
}

// fail ends the tour at the current step.
func (t *tour) fail(r request, wrong string) {
	if t.failed == nil {
		t.failed = fmt.Errorf("step %d.%d of the tour, %s %s: %s", t.chapter, t.steps, r.method, r.path, wrong)
	}
}

// send sends r and reads the whole answer.
func (t *tour) send(r request) (answer, error) {
	ctx, cancel := context.WithTimeout(t.ctx, stepTime)
	defer cancel()
	res, err := t.open(ctx, r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, fmt.Errorf("the answer broke off: %w", err)
	}
	a := head(res)
	a.body = string(body)
	return a, nil
}

// open sends r as curl would; the caller reads the answer and closes it.
func (t *tour) open(ctx context.Context, r request) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, t.base+r.path, strings.NewReader(r.body+strings.Repeat("\x00", r.zeros)))
	if err != nil {
		return nil, err
	}
	req.GetBody = nil // or net/http sends a request with a key again by itself
	if r.user != "" {
		req.SetBasicAuth(r.user, "")
	}
	for _, line := range r.fields {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Add(name, value)
	}
	if req.Header["Accept"] == nil {
		req.Header.Set("Accept", "*/*")
	}
	return t.client.Do(req)
}

// head returns the answer without its body.
func head(res *http.Response) answer {
	return answer{proto: res.Proto, status: res.Status, code: res.StatusCode, header: res.Header}
}

// compare returns in what way a is not what w wants, or nothing.
func (w want) compare(a answer) string {
	if a.code != w.status {
		return fmt.Sprintf("answered %s, expected %d", a.status, w.status)
	}
	if kind := kindOf(a); kind != string(w.kind) {
		return fmt.Sprintf("the problem is %q, expected %q", kind, w.kind)
	}
	for _, field := range w.fields {
		name, value, valued := strings.Cut(field, ": ")
		got := a.header.Values(name)
		if len(got) == 0 || valued && !slices.Contains(got, value) {
			return fmt.Sprintf("field %s is %q, expected %q", name, got, field)
		}
	}
	for _, name := range w.without {
		if got := a.header.Values(name); len(got) > 0 {
			return fmt.Sprintf("field %s is %q, expected none", name, got)
		}
	}
	for _, part := range w.body {
		if !strings.Contains(a.body, part) {
			return fmt.Sprintf("the body has no %s", part)
		}
	}
	for _, part := range w.lacks {
		if strings.Contains(a.body, part) {
			return fmt.Sprintf("the body has %s, expected none", part)
		}
	}
	if w.exactly != nil && a.body != w.exactly.body {
		return fmt.Sprintf("the body is %q, expected %q", a.body, w.exactly.body)
	}
	return ""
}

// kindOf returns the kind of the problem that a is, the last part of its type,
// or nothing if a is no problem.
func kindOf(a answer) string {
	if a.header.Get("Content-Type") != "application/problem+json" {
		return ""
	}
	var p struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		return "not JSON"
	}
	return p.Type[strings.LastIndexAny(p.Type, "#/")+1:]
}
