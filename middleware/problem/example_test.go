package problem_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/concordhttp/concord/middleware/problem"
)

// The instance is given in these examples, since a random one would differ
// with each run.
const instance = "urn:uuid:0b6f5c2e-4d1a-4f0e-9c55-3a1f6f0a7d21"

// show sends one request to h and prints the answer.
func show(h http.Handler, fields ...string) {
	r := httptest.NewRequest("PUT", "/seats/12", nil)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	fmt.Print(strings.ReplaceAll(w.Body.String(), ",\"", ",\n \""))
}

// respond makes a handler that answers everything with p.
func respond(with problem.Responder, p *problem.Problem) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { with(w, r, p) })
}

func Example() {
	book := func(http.ResponseWriter, *http.Request) error {
		p := problem.StateConflict("Seat 12 is taken.")
		p.Instance = instance
		p.Extensions = map[string]any{"free": []int{13, 14}}
		return fmt.Errorf("booking: %w", p)
	}
	mux := http.NewServeMux()
	mux.Handle("PUT /seats/{id}", problem.Responder(nil).HandlerFunc(book))
	mux.Handle("GET /problems", problem.Docs())
	show(mux)
	// Output:
	// 409 application/problem+json
	// {"type":"https://github.com/concordhttp/concord/blob/main/docs/problems.md#state-conflict",
	//  "title":"The current state does not allow this",
	//  "status":409,
	//  "detail":"Seat 12 is taken.",
	//  "instance":"urn:uuid:0b6f5c2e-4d1a-4f0e-9c55-3a1f6f0a7d21",
	//  "retryable":false,
	//  "free":[13,14]}
}

func ExampleNew() {
	p := problem.New(problem.KindWriteConflict, "Another booking came first.")
	fmt.Println(p.Status, p.Retryable, p.Header)
	// Output: 409 true map[Retry-After:[1]]
}

// The text of an error is for logs. In Detail, every client could read it; in
// Err, none can.
func ExampleNew_incorrect() {
	err := errors.New("dial tcp 10.0.0.7:5432: password authentication failed for user \"app\"")

	wrong := problem.New(problem.KindStoreUnavailable, err.Error())
	fmt.Println(wrong.Detail)

	right := problem.New(problem.KindStoreUnavailable, "The bookings cannot be reached.")
	right.Err = err
	fmt.Println(right.Detail)
	// Output:
	// dial tcp 10.0.0.7:5432: password authentication failed for user "app"
	// The bookings cannot be reached.
}

func ExampleVersionMismatch() {
	p := problem.VersionMismatch("The document has changed since you read it.")
	p.Extensions = map[string]any{"failed_field": "If-Match", "current_etag": `"v2"`}
	p.Header = http.Header{"Etag": {`"v2"`}}
	fmt.Println(p.Status, p)
	// Output: 412 problem: version-mismatch: The document has changed since you read it.
}

func ExampleDuplicate() {
	p := problem.Duplicate("There is a document with this title.")
	p.Extensions = map[string]any{"conflicting": "/documents/7"}
	fmt.Println(p.Status, p)
	// Output: 409 problem: duplicate: There is a document with this title.
}

func ExampleStateConflict() {
	fmt.Println(problem.StateConflict("Seat 12 is taken."))
	// Output: problem: state-conflict: Seat 12 is taken.
}

func ExampleDependency() {
	fmt.Println(problem.Dependency("The folder is not empty."))
	// Output: problem: dependency: The folder is not empty.
}

func ExampleLocked() {
	p := problem.Locked("Ada is editing this document.", "Ada", time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC))
	fmt.Println(p.Status, p.Retryable, p.Extensions)
	// Output: 409 true map[expires:2030-01-02T03:04:05Z holder:Ada]
}

func ExampleProblem_WriteHeader() {
	ownBody := func(w http.ResponseWriter, _ *http.Request, p *problem.Problem) {
		p = problem.Renderer{}.Complete(p)
		w.Header().Set("Content-Type", "application/json")
		p.WriteHeader(w) // clears ETag and the like, sets Retry-After and the like
		_, _ = fmt.Fprintf(w, `{"ok":false,"why":%q}`+"\n", p.Detail)
	}
	show(respond(ownBody, problem.Duplicate("The name is in use.")))
	// Output:
	// 409 application/json
	// {"ok":false,
	//  "why":"The name is in use."}
}

// The error of a driver, here one in the shape of pgx's.
func ExampleFromSQL() {
	err := fmt.Errorf("saving: %w", &pgError{Code: "23505", Message: "duplicate key value violates unique constraint"})
	p, ok := problem.FromSQL(err)
	fmt.Println(ok, p.Kind, p.Status)
	fmt.Println(p.Detail)
	// Output:
	// true duplicate 409
	// A value that has to be unique is in use already.
}

func ExampleFrom() {
	for _, err := range []error{
		fmt.Errorf("booking: %w", problem.StateConflict("Seat 12 is taken.")),
		fmt.Errorf("saving: %w", &pgError{Code: "40001"}),
		errors.New("disk on fire"),
	} {
		if p, ok := problem.From(err); ok {
			fmt.Println(p.Kind)
		} else {
			fmt.Println("no problem, but an error")
		}
	}
	// Output:
	// state-conflict
	// write-conflict
	// no problem, but an error
}

// A Responder that logs the cause of what is the server's fault, under the
// instance that the client is told.
func ExampleResponder() {
	logging := func(w http.ResponseWriter, r *http.Request, p *problem.Problem) {
		if p.Status >= 500 {
			fmt.Println("log:", r.URL.Path, p.Instance != "", p.Err)
		}
		problem.JSON(w, r, p)
	}
	h := problem.Responder(logging).HandlerFunc(func(http.ResponseWriter, *http.Request) error {
		return errors.New("disk on fire")
	})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("PUT", "/seats/12", http.NoBody))
	fmt.Println(w.Code, strings.Contains(w.Body.String(), "fire"))
	// Output:
	// log: /seats/12 true disk on fire
	// 500 false
}

func ExampleResponder_HandlerFunc() {
	h := problem.Responder(problem.Negotiate).HandlerFunc(func(http.ResponseWriter, *http.Request) error {
		return &problem.Problem{Kind: problem.KindResourceBusy, Detail: "Another write is under way.", Instance: instance}
	})
	show(h, "Accept", "text/plain")
	// Output:
	// 409 text/plain; charset=utf-8
	// 409 The resource is busy with another write
	//
	// Another write is under way.
	// The same request can succeed in 1 second.
	// Wait as long as Retry-After says, and send the same request again.
	//
	// type: https://github.com/concordhttp/concord/blob/main/docs/problems.md#resource-busy
	// instance: urn:uuid:0b6f5c2e-4d1a-4f0e-9c55-3a1f6f0a7d21
}

// An error that comes after the answer has begun can only break the connection
// off. Whatever can fail comes before the first Write.
func ExampleResponder_HandlerFunc_incorrect() {
	h := problem.Responder(nil).HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusCreated)
		return problem.Duplicate("The name is in use.")
	})
	defer func() { fmt.Println("panic:", recover()) }()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil))
	// Output: panic: net/http: abort Handler
}

func ExampleJSON() {
	show(respond(problem.JSON, &problem.Problem{Kind: problem.KindKeyMissing, Instance: instance}))
	// Output:
	// 400 application/problem+json
	// {"type":"https://github.com/concordhttp/concord/blob/main/docs/problems.md#key-missing",
	//  "title":"This operation needs an Idempotency-Key",
	//  "status":400,
	//  "instance":"urn:uuid:0b6f5c2e-4d1a-4f0e-9c55-3a1f6f0a7d21",
	//  "retryable":false}
}

func ExampleNegotiate() {
	p := problem.Duplicate("The name is in use.")
	for _, accept := range []string{"application/json", "text/html,*/*;q=0.8", "text/plain", "image/png"} {
		w := render(problem.Negotiate, p, "PUT", "Accept", accept)
		fmt.Println(w.Header().Get("Content-Type"))
	}
	// Output:
	// application/problem+json
	// text/html; charset=utf-8
	// text/plain; charset=utf-8
	// application/problem+json
}

func ExampleStripe() {
	show(respond(problem.Stripe, &problem.Problem{Kind: problem.KindKeyReused, Type: "/problems#key-reused", Instance: instance}))
	// Output:
	// 422 application/problem+json
	// {"type":"/problems#key-reused",
	//  "title":"This key belongs to another request",
	//  "status":422,
	//  "instance":"urn:uuid:0b6f5c2e-4d1a-4f0e-9c55-3a1f6f0a7d21",
	//  "retryable":false,
	//  "error":{"type":"idempotency_error",
	//  "code":"key-reused",
	//  "message":"This key belongs to another request",
	//  "doc_url":"/problems#key-reused"}}
}

func ExampleRenderer() {
	renderer := problem.Renderer{TypeBase: "/problems#"}
	mux := http.NewServeMux()
	mux.Handle("GET /problems", problem.Docs())
	mux.Handle("PUT /seats/{id}", respond(renderer.JSON, &problem.Problem{
		Kind: problem.KindDuplicate, Instance: instance,
	}))
	show(mux)
	// Output:
	// 409 application/problem+json
	// {"type":"/problems#duplicate",
	//  "title":"It exists already",
	//  "status":409,
	//  "instance":"urn:uuid:0b6f5c2e-4d1a-4f0e-9c55-3a1f6f0a7d21",
	//  "retryable":false}
}

func ExampleDocs() {
	w := httptest.NewRecorder()
	problem.Docs().ServeHTTP(w, httptest.NewRequest("GET", "/problems", nil))
	fmt.Println(strings.Contains(w.Body.String(), `<section id="version-mismatch">`))
	// Output: true
}
