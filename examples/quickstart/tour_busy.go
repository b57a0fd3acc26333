package main

import "github.com/concordhttp/concord/middleware/problem"

// busy sends one slow update twice at the same time. The one that waits is not
// kept waiting for ever.
func busy(t *tour) {
	read := t.step("A slow write, twice, both with this tag:",
		get("/documents/1"),
		want{status: 200, fields: []string{"ETag"}})
	if t.failed != nil {
		return
	}
	t.steps++
	r := put("/documents/1?slow=2s", Document{Title: "Shopping", Body: "Taking my time."}, ifMatch(read.tag()))
	t.paper.request(t.base, r)
	t.paper.note("... and the same once more, at the same time\n")
	next := t.twice(r)

	t.shown("One of them waits for a second (ETag.GateWait), and is to come again.", r, next(),
		want{status: 409, kind: problem.KindResourceBusy, fields: []string{"Retry-After"}})
	t.paper.note("")
	t.shown("A second later the first one is done.", r, next(),
		want{status: 200, body: []string{"Taking my time."}})

	t.step("Sent again, the second is judged anew: this is not its version any more.",
		put("/documents/1", Document{Title: "Shopping", Body: "Taking my time."}, ifMatch(read.tag())),
		want{status: 412, kind: problem.KindVersionMismatch})
}
