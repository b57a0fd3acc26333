package main

import (
	"strings"

	"github.com/concordhttp/concord/middleware/problem"
)

// order is what the tour pays.
var order = Order{Amount: 1250, Currency: "EUR"}

// payments shows what becomes of a payment whose answer was lost.
func payments(t *tour) {
	first := pay("/payments", order, key("8e03978e-40d5-43dd-bc93-6894a57f9324"))
	made := t.step("Charged. Suppose that the phone loses this answer in a tunnel.", first,
		want{status: 201, fields: []string{"Location"}, without: []string{"Idempotency-Replayed"}, body: []string{`"charge":1,`}})

	t.step("It sends the same again, and gets the same answer. The handler did not run.", first,
		want{status: 201, fields: []string{replayed, "Location: " + made.header.Get("Location")}, exactly: &made})

	t.step("One charge.",
		get("/payments"),
		want{status: 200, exactly: listOf(made)})

	t.step("A key names one operation. Under it, another one is not run.",
		pay("/payments", Order{Amount: 9900, Currency: "EUR"}, key("8e03978e-40d5-43dd-bc93-6894a57f9324")),
		want{status: 422, kind: problem.KindKeyReused})

	t.step("A payment without a key could be made twice, so it is not made at all.",
		pay("/payments", order),
		want{status: 400, kind: problem.KindKeyMissing})

	t.step("An empty key is none, and is not taken for none.",
		pay("/payments", order, "Idempotency-Key: "),
		want{status: 400, kind: problem.KindKeyInvalid})
}

// inFlight sends one payment twice at the same time, as an impatient client
// does. Whichever comes first runs, so the one that is answered first is the
// other.
func inFlight(t *tour) {
	if t.failed != nil {
		return
	}
	t.steps++
	r := pay("/payments?slow=2s", order, key("c5a1e4d2-6f0b-4c39-8a57-2b9d1e3f7048"))
	t.paper.request(t.base, r)
	t.paper.note("... and the same once more, at the same time\n")
	next := t.twice(r)

	t.shown("One of them runs, and takes its time. The other is told so at once.", r, next(),
		want{status: 409, kind: problem.KindRequestInFlight, fields: []string{"Retry-After"}})
	t.paper.note("")
	made := t.shown("Two seconds later the first one is done.", r, next(),
		want{status: 201, without: []string{"Idempotency-Replayed"}, body: []string{`"charge":2,`}})

	t.step("To send it again, as the 409 said, is to get its answer.", r,
		want{status: 201, fields: []string{replayed}, exactly: &made})
}

// twice sends r twice at the same time. What it returns waits for the next of
// the two answers; one that does not come ends the tour.
func (t *tour) twice(r request) (next func() answer) {
	type result struct {
		answer
		err error
	}
	results := make(chan result, 2)
	for range 2 {
		go func() {
			a, err := t.send(r)
			results <- result{a, err}
		}()
	}
	return func() answer {
		came := <-results
		if came.err != nil {
			t.fail(r, came.err.Error())
		}
		return came.answer
	}
}

// listOf returns the list of payments that were answered so.
func listOf(made ...answer) *answer {
	all := make([]string, len(made))
	for i, a := range made {
		all[i] = strings.TrimSuffix(a.body, "\n")
	}
	return &answer{body: "[" + strings.Join(all, ",") + "]\n"}
}
