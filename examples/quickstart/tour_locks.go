package main

import "github.com/concordhttp/concord/middleware/problem"

// locks has Ann take her time over a document.
func locks(t *tour) {
	const doc = "/documents/1"
	lock := request{method: "LOCK", path: doc, fields: []string{"Timeout: Second-300"}}
	locked := t.step("Ann opens the editor and takes a lock. It ends by itself if she goes away.",
		as("ann", lock),
		want{status: 200, fields: []string{"Lock-Token", "Timeout: Second-300"}, body: []string{`"holder":"ann"`, `"expires":`}})
	token := "Lock-Token: " + locked.header.Get("Lock-Token")
	read := t.step("Anybody can read meanwhile.",
		get(doc),
		want{status: 200, fields: []string{"ETag"}})
	save := func(text, tag string, fields ...string) request {
		return put(doc, Document{Title: "Shopping", Body: text}, append([]string{ifMatch(tag)}, fields...)...)
	}

	t.step("Bob's write is up to date, and refused: he is told who edits, until when.",
		as("bob", save("Bob was here.", read.tag())),
		want{status: 409, kind: problem.KindLocked, fields: []string{"Retry-After"}, body: []string{`"holder":"ann"`, `"expires":`}})
	t.step("That he has seen Ann's token does not help him: it is hers.",
		as("bob", save("Bob was here.", read.tag(), token)),
		want{status: 409, kind: problem.KindLocked})
	t.step("Nor can he lock what is locked.",
		as("bob", lock),
		want{status: 409, kind: problem.KindLocked})

	saved := t.step("Ann saves, with her token.",
		as("ann", save("Edited in peace.", read.tag(), token)),
		want{status: 200, body: []string{"Edited in peace."}})
	t.step("She closes the editor: the lock ends.",
		as("ann", request{method: "UNLOCK", path: doc, fields: []string{token}}),
		want{status: 204})
	now := t.step("This is what she wrote.",
		get(doc),
		want{status: 200, fields: []string{"ETag"}, exactly: &saved})
	t.step("A tab that she forgot still has the token, and learns that the lock is gone.",
		as("ann", save("An old tab.", now.tag(), token)),
		want{status: 412, kind: problem.KindVersionMismatch, body: []string{`"failed_field":"Lock-Token"`}})
	t.step("And Bob can write.",
		as("bob", save("Edited in peace. And Bob was here.", now.tag())),
		want{status: 200})
}
