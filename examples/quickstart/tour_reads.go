package main

// reads shows tags and revalidation. The scenarios after it use its document.
func reads(t *tour) {
	t.step("Created. Neither the handler nor the data knows of versions.",
		post(Document{Title: "Plan", Body: "Buy milk."}),
		want{status: 201, fields: []string{"Location: /documents/1"}, body: []string{"Buy milk."}})

	read := t.step("Concord added the ETag: it names this very version of the document.",
		get("/documents/1"),
		want{status: 200, fields: []string{"ETag"}, body: []string{"Buy milk."}})

	t.step("Nothing is sent again: what the client holds is current.",
		get("/documents/1", ifNoneMatch(read.tag())),
		want{status: 304, fields: []string{"ETag: " + read.tag()}, exactly: &answer{}})

	t.step("Every successful GET has a tag, the list too.",
		get("/documents"),
		want{status: 200, fields: []string{"ETag"}, body: []string{`"Plan"`}})
}
