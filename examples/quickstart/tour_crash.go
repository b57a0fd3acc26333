package main

import (
	"errors"
	"io"
	"syscall"

	"github.com/concordhttp/concord/middleware/problem"
)

// crash has a payment break off after the charge and before the answer, which
// is where a retry does the most harm.
func crash(t *tour) {
	r := pay("/payments?fail=panic", order, key("f2d7b3a9-95c4-4e18-b06d-3c8a7e5d1f62"))
	t.broken("The handler has charged the card, and panicked. No answer.", r)

	t.step("Was it charged? Concord cannot know, says so, and does not run it again.", r,
		want{status: 409, kind: problem.KindOutcomeUnknown, body: []string{`"retryable":false`}})

	t.step("Charge 3 is the one that broke off. There is no charge 4.",
		get("/payments"),
		want{status: 200, body: []string{`"charge":3,`}, lacks: []string{`"charge":4,`}})
}

// broken sends r, which must get no answer: its connection breaks off.
func (t *tour) broken(says string, r request) {
	if t.failed != nil {
		return
	}
	t.steps++
	t.paper.request(t.base, r)
	a, err := t.send(r)
	switch {
	case err == nil:
		t.fail(r, "answered "+a.status+", expected the connection to break off")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		t.paper.note("curl: (52) Empty reply from server")
		t.paper.says(says)
	default:
		t.fail(r, err.Error())
	}
}
