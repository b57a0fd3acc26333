package main

import "github.com/concordhttp/concord/middleware/problem"

// tooLarge shows the limits of what Concord holds: of an answer that is to be
// replayed, and of a request that is to be compared.
func tooLarge(t *tour) {
	r := pay("/payments?fail=large", order, key("7a1c9e35-0b2d-4f68-93e7-d54b8c20f1a6"))
	r.cut = true
	made := t.step("Charged, and answered with 2 MiB of thanks. Suppose that this is lost.", r,
		want{status: 201, body: []string{`"charge":4,`, "Thank you."}})

	r.cut = false
	t.step("It is not run again, and the client is told where the payment is.", r,
		want{
			status: 409, kind: problem.KindResponseNotRetained,
			fields: []string{"Location: " + made.header.Get("Location")},
			body:   []string{`"original_status":201`},
		})

	much := pay("/payments", order, key("e90d6b7f-58c3-4a21-8f04-b1c7d2a3e956"))
	much.body, much.zeros = "", maxBody+1
	t.step("A request that is larger than may be held is refused before it is run.", much,
		want{status: 413, kind: problem.KindBodyTooLarge, body: []string{`"limit":65536`}})
}
