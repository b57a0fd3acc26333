package main

import "github.com/concordhttp/concord/middleware/problem"

// failures are faults of the server, not of the client. In each case the client
// learns whether its request was run.
func failures(t *tour) {
	read := t.step("Suppose that the document cannot be read for a while,",
		get("/documents/1"),
		want{status: 200, fields: []string{"ETag"}})
	unreadable := put("/documents/1?fail=500", Document{Title: "Shopping"}, ifMatch(read.tag()))
	t.step("so that nobody can say which version it is: nothing is written on a guess.", unreadable,
		want{status: 503, kind: problem.KindValidatorUnavailable, fields: []string{"Retry-After"}})

	t.step("Folders have no GET, so a precondition about one cannot be judged.",
		remove("/folders/1", ifMatch(`"a"`)),
		want{status: 500, kind: problem.KindValidatorMissing})

	t.step("No room in the store: no payment is made that might be made twice.",
		pay("/payments?fail=store", order, key("1f6e2a94-c7d8-4b05-a3e1-9025d8b7c4f3")),
		want{status: 503, kind: problem.KindStoreUnavailable, fields: []string{"Retry-After"}})

	nobody := pay("/payments", order, key("8e03978e-40d5-43dd-bc93-6894a57f9324"))
	nobody.user = ""
	t.step("Whose key is this? A server that signs people in answers 401 before that.", nobody,
		want{status: 500, kind: problem.KindPrincipalUnknown})

	failing := pay("/payments?fail=500", order, key("b3d0f7c2-1e59-4a86-9c4d-60f2e8a7153b"))
	failed := t.step("The handler failed, after the charge. Its error stays in the server.", failing,
		want{status: 500, kind: problem.KindInternal, lacks: []string{"asked for"}})
	t.step("That is its outcome, then: it is replayed, and nobody is charged again.", failing,
		want{status: 500, kind: problem.KindInternal, fields: []string{replayed}, exactly: &failed})
}
