package main

import "github.com/concordhttp/concord/middleware/problem"

// handlerConflicts are those that only the handler can know of. It returns them
// as errors, and they are answered in the same form as Concord's own.
func handlerConflicts(t *tour) {
	slot := create("/bookings", map[string]string{"slot": "Friday 10:00"})
	t.step("Booked.", slot,
		want{status: 201, fields: []string{"Location: /bookings/1"}})
	t.step("A slot can be booked once: a rule of the business, state-conflict.", slot,
		want{status: 409, kind: problem.KindStateConflict, body: []string{`"retryable":false`}})

	t.step("A folder,",
		create("/folders", Folder{Name: "Plans"}),
		want{status: 201, fields: []string{"Location: /folders/1"}})
	t.step("with a document in it.",
		put("/documents/plan", Document{Title: "The plan", Folder: "1"}, ifNoneMatch("*")),
		want{status: 201})
	t.step("It cannot go while something is in it: dependency.",
		remove("/folders/1"),
		want{status: 409, kind: problem.KindDependency})
	read := t.step("So the document goes first.",
		get("/documents/plan"),
		want{status: 200, fields: []string{"ETag"}})
	t.step("Gone,",
		remove("/documents/plan", ifMatch(read.tag())),
		want{status: 204})
	t.step("and the folder with it.",
		remove("/folders/1"),
		want{status: 204})
	t.step("A document cannot be put into a folder that is not there, either.",
		post(Document{Title: "The plan", Folder: "1"}),
		want{status: 409, kind: problem.KindDependency})
}
