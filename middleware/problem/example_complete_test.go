package problem_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/concordhttp/concord/middleware/problem"
)

// A function that decides who may do something returns an error. Where that says
// more than no, it is a problem itself.
func ExampleOrForbidden() {
	for _, err := range []error{
		errors.New("not in the group of editors"), // not for clients
		problem.OfStatus(http.StatusPaymentRequired, "The trial is over.", nil),
	} {
		p := problem.OrForbidden(err, "Only editors may lock this.")
		fmt.Println(p.Status, p.Detail)
	}
	// Output:
	// 403 Only editors may lock this.
	// 402 The trial is over.
}

// A Responder with a body of the house need not know what a handler has left out.
func ExampleRenderer_Complete() {
	house := func(w http.ResponseWriter, _ *http.Request, p *problem.Problem) {
		p = problem.Renderer{TypeBase: "https://api.example/problems#"}.Complete(p)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		p.WriteHeader(w)
		fmt.Fprintf(w, "%s (%s). %s", p.Title, p.Type, p.Detail)
	}
	handler := problem.Responder(house).HandlerFunc(func(http.ResponseWriter, *http.Request) error {
		return problem.StateConflict("Seat 12 is taken.")
	})

	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest("POST", "/seats/12", http.NoBody))
	fmt.Println(w.Code, w.Body)
	// Output: 409 The current state does not allow this (https://api.example/problems#state-conflict). Seat 12 is taken.
}
