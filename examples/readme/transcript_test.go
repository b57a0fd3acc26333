package main

import "github.com/concordhttp/concord/examples/internal/console"

var notes = []console.Step{
	{Note: "Create a note, unless there is one already.", Method: "PUT", Path: "/notes/1", Fields: []string{"If-None-Match: *"}, Body: "Buy milk."},
	{Note: "Read it. The ETag names this version.", Method: "GET", Path: "/notes/1"},
	{Note: "Change that version.", Method: "PUT", Path: "/notes/1", Fields: []string{"If-Match: %s"}, Body: "Buy milk and bread."},
	{Note: "Somebody else changes the same version, which is not current any more.", Method: "PUT", Path: "/notes/1", Fields: []string{"If-Match: %s"}, Body: "Buy milk and tea."},
}

var payments = []console.Step{
	{
		Note:   "Pay, with a key made up for this payment. Suppose that the answer is lost on its way.",
		Method: "POST", Path: "/payments", User: "ann:secret", Fields: []string{`Idempotency-Key: "8e03978e-40d5"`}, Body: "EUR 12.50",
	},
	{
		Note:   "So the same is sent again. The handler does not run, and this is the first answer.",
		Method: "POST", Path: "/payments", User: "ann:secret", Fields: []string{`Idempotency-Key: "8e03978e-40d5"`}, Body: "EUR 12.50",
	},
}
