package main

import (
	"bufio"
	"context"
	"strings"
)

// streams shows that an answer which never ends is not held back to be tagged:
// each event is read while the stream is still open.
func streams(t *tour) {
	if t.failed != nil {
		return
	}
	t.steps++
	r := get("/events")
	r.stream = true
	t.paper.request(t.base, r)

	ctx, hangUp := context.WithTimeout(t.ctx, stepTime)
	defer hangUp()
	res, err := t.open(ctx, r)
	if err != nil {
		t.fail(r, err.Error())
		return
	}
	defer res.Body.Close()
	a := head(res)
	t.paper.answer(a, false)
	w := want{status: 200, fields: []string{"Content-Type: text/event-stream"}}
	if wrong := w.compare(a); wrong != "" {
		t.fail(r, wrong)
		return
	}
	events := bufio.NewScanner(res.Body)

	t.event(r, events, "hello")
	t.paper.says("The stream is open, and its first event is here.")

	t.step("Meanwhile somebody writes,",
		post(Document{Title: "News", Body: "It passes."}),
		want{status: 201})

	t.event(r, events, "created")
	t.paper.says("and the listener knows at once.")
}

// event reads the next event and shows it; it must have part in it.
func (t *tour) event(r request, events *bufio.Scanner, part string) {
	if t.failed != nil {
		return
	}
	var lines []string
	for events.Scan() && events.Text() != "" {
		lines = append(lines, events.Text())
	}
	event := strings.Join(lines, "\n")
	t.paper.note("\n%s", event)
	if !strings.Contains(event, part) {
		t.fail(r, "the next event is not the one with "+part+" in it")
	}
}
