package main

import "github.com/concordhttp/concord/middleware/problem"

// refusals are writes that would do harm or are not what they seem to be. After
// all of them the document is what it was.
func refusals(t *tour) {
	mine := Document{Title: "Mine", Body: "All mine."}
	before := t.step("This is what must survive the next requests.",
		get("/documents/1"),
		want{status: 200, fields: []string{"ETag"}})

	t.step("A write without a precondition may overwrite anything: refused.",
		put("/documents/1", mine),
		want{status: 428, kind: problem.KindPreconditionRequired, body: []string{`"wanted_fields":`}})

	t.step("A tag without its quotes is no tag. It is never taken for none.",
		put("/documents/1", mine, ifMatch("v1")),
		want{status: 400, kind: problem.KindPreconditionMalformed, body: []string{`"failed_field":"If-Match"`}})

	t.step("A weak tag does not promise the same bytes, so it never allows a write.",
		put("/documents/1", mine, ifMatch("W/"+before.tag())),
		want{status: 412, kind: problem.KindVersionMismatch, body: []string{`"failed_field":"If-Match"`}})

	t.step("\"Only if there is none\": but there is one.",
		put("/documents/1", mine, ifNoneMatch("*")),
		want{status: 412, kind: problem.KindVersionMismatch, body: []string{`"failed_field":"If-None-Match"`}})

	t.step("\"Only if it is there\": but it is not, and is not created.",
		put("/documents/notes", mine, ifMatch("*")),
		want{status: 412, kind: problem.KindVersionMismatch, body: []string{`"failed_field":"If-Match"`}})

	t.step("None of them changed it.",
		get("/documents/1"),
		want{status: 200, fields: []string{"ETag: " + before.tag()}, exactly: &before})

	t.step("Where there is none, \"only if there is none\" creates it.",
		put("/documents/notes", mine, ifNoneMatch("*")),
		want{status: 201, fields: []string{"Location: /documents/notes"}})

	t.step("A conflict that the handler found, told in the same form.",
		post(mine),
		want{status: 409, kind: problem.KindDuplicate, body: []string{`"conflicting":"/documents/notes"`}})
}

// deletes shows that DELETE is a write like the others.
func deletes(t *tour) {
	read := t.step("Ann wants to delete these notes.",
		get("/documents/notes"),
		want{status: 200, fields: []string{"ETag"}})

	t.step("Bob adds something that should be kept.",
		patch("/documents/notes", `{"body":"Keep this."}`, ifMatch(read.tag())),
		want{status: 200})

	t.step("Ann's DELETE is about notes that are no more: refused.",
		remove("/documents/notes", ifMatch(read.tag())),
		want{status: 412, kind: problem.KindVersionMismatch, fields: []string{"ETag"}})

	now := t.step("She reads them again,",
		get("/documents/notes"),
		want{status: 200, fields: []string{"ETag"}, body: []string{"Keep this."}})

	t.step("and deletes what she has seen.",
		remove("/documents/notes", ifMatch(now.tag())),
		want{status: 204})

	t.step("Gone. A 404 is no version of anything, and has no tag.",
		get("/documents/notes"),
		want{status: 404, without: []string{"ETag"}})
}
