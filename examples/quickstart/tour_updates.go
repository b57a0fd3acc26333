package main

import (
	"encoding/json"

	"github.com/concordhttp/concord/middleware/problem"
)

// lostUpdate has Ann and Bob write what they made of one version. Without
// preconditions Bob's write would undo Ann's, and nobody would notice.
func lostUpdate(t *tour) {
	read := t.step("Ann and Bob both have this version on their screens.",
		get("/documents/1"),
		want{status: 200, fields: []string{"ETag"}})

	ann := t.step("Ann was first. Her If-Match named the current version.",
		put("/documents/1", Document{Title: "Plan", Body: "Buy milk and bread."}, ifMatch(read.tag())),
		want{status: 200, body: []string{"milk and bread"}})

	bob := put("/documents/1", Document{Title: "Plan", Body: "Buy milk and tea."}, ifMatch(read.tag()))
	t.step("Bob's copy is stale now. He is told so; the handler did not run.", bob,
		want{
			status: 412,
			kind:   problem.KindVersionMismatch,
			fields: []string{"ETag"},
			body:   []string{`"failed_field":"If-Match"`, `"current_etag":`},
		})

	t.step("The document is what Ann wrote, byte for byte: no update was lost.",
		get("/documents/1"),
		want{status: 200, exactly: &ann})

	bob.fields = append(bob.fields, "Prefer: return=representation")
	refused := t.step("Sent like this, Bob is shown what stands there: \"current\".", bob,
		want{status: 412, kind: problem.KindVersionMismatch, fields: []string{"ETag"}, body: []string{`"current":`}})

	merged := current(refused)
	merged.Body += " And tea."
	t.step("He added his words to hers, and named the version that he merged with.",
		put("/documents/1", merged, ifMatch(refused.tag())),
		want{status: 200, body: []string{"Buy milk and bread. And tea."}})
}

// current returns the document that a problem shows as the current one; the zero
// document if it shows none.
func current(a answer) Document {
	var p struct {
		Current Document `json:"current"`
	}
	if json.Unmarshal([]byte(a.body), &p) != nil {
		return Document{}
	}
	return p.Current
}

// patches shows that a change sent twice is made once.
func patches(t *tour) {
	read := t.step("Both edits are there.",
		get("/documents/1"),
		want{status: 200, fields: []string{"ETag"}, body: []string{"Buy milk and bread. And tea."}})

	change := patch("/documents/1", `{"title":"Shopping"}`, ifMatch(read.tag()))
	patched := t.step("A PATCH (a JSON merge patch here) is judged like a PUT.", change,
		want{status: 200, body: []string{`"Shopping"`, "And tea."}})

	t.step("Sent again, it is refused,", change,
		want{status: 412, kind: problem.KindVersionMismatch})

	t.step("and the document is what the first one made it.",
		get("/documents/1"),
		want{status: 200, exactly: &patched})
}

// retriedUpdate has a client lose the answer to an update that was made. Without
// a key it would be told that its own version is in its way.
func retriedUpdate(t *tour) {
	read := t.step("Ann edits this version,",
		get("/documents/1"),
		want{status: 200, fields: []string{"ETag"}})

	lost := put("/documents/1", Document{Title: "Shopping", Body: "Done."}, ifMatch(read.tag()))
	retried := as("ann", lost) // a key is somebody's
	retried.fields = append([]string{key("0b6f4f0c-1d0e-4f7a-9b3c-7d2f0e6a5c11")}, lost.fields...)
	made := t.step("and saves it, with a key. Suppose that this answer never reaches her.", retried,
		want{status: 200, without: []string{"Idempotency-Replayed"}, body: []string{"Done."}})

	t.step("She sends it again. It is done, so she gets the first answer: 200.", retried,
		want{status: 200, fields: []string{replayed}, exactly: &made})

	t.step("Without the key she gets a 412, about a change that is her own.", lost,
		want{status: 412, kind: problem.KindVersionMismatch})
}
