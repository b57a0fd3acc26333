package main

import "github.com/concordhttp/concord/middleware/problem"

// A form is a value of -respond: what problems look like.
type form struct {
	respond problem.Responder
	shown   scenario
}

var forms = map[string]form{
	"json":      {problem.JSON, scenario{"Problems are JSON (see -respond for other forms)", plain}},
	"negotiate": {problem.Negotiate, scenario{"Problems are what the client asks for", negotiated}},
	"stripe":    {problem.Stripe, scenario{"Problems are what Stripe's client libraries read", stripe}},
}

// keyless is a payment that is refused, by a client that accepts a media type.
func keyless(accept string) request { return pay("/payments", order, "Accept: "+accept) }

func plain(t *tour) {
	t.step("JSON, whatever the client asks for (RFC 9457).", keyless("text/html"),
		want{status: 400, kind: problem.KindKeyMissing, without: []string{"Vary"}})
}

func negotiated(t *tour) {
	vary := []string{"Vary: Accept"}
	t.step("Text for a person at a terminal,", keyless("text/plain"),
		want{status: 400, fields: append(vary, "Content-Type: text/plain; charset=utf-8"), body: []string{"Idempotency-Key"}})
	html := keyless("text/html")
	html.cut = true
	t.step("a page for one with a browser,", html,
		want{status: 400, fields: append(vary, "Content-Type: text/html; charset=utf-8"), body: []string{"<h1"}})
	t.step("and JSON for programs.", keyless("application/json"),
		want{status: 400, kind: problem.KindKeyMissing, fields: vary})
}

func stripe(t *tour) {
	t.step("The same problem, and beside it what those libraries look for.", keyless("application/json"),
		want{
			status: 400, kind: problem.KindKeyMissing,
			fields: []string{"Stripe-Should-Retry: false"},
			body:   []string{`"error":{"type":"idempotency_error","code":"key-missing"`},
		})
}
