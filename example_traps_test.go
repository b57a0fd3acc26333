package concord_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/concordhttp/concord"
)

// The principal is whom a request acts for. Under one for all, whoever uses a
// key that somebody else has used gets what that one was answered, although both
// have signed in.
func ExampleStack_Handler_incorrectPrincipal() {
	for _, principal := range []concord.Principal{
		concord.DangerouslyShared, // incorrect
		subject,
	} {
		stack, err := concord.New(concord.Config{Principal: principal})
		if err != nil {
			panic(err)
		}
		server := authenticate(stack.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			who, _ := subject(r)
			fmt.Fprintln(w, "paid by", who)
		})))
		try(server, "a", "POST", "", "Idempotency-Key", "1")
		try(server, "b", "POST", "", "Idempotency-Key", "1")
	}
	// Output:
	// POST 200 paid by ann
	// POST 200 paid by ann
	// POST 200 paid by ann
	// POST 200 paid by bob
}

// One platform acts for many accounts, and a field says for which. The subject
// alone is then not whom a request acts for: what was done for one account would be
// the answer to what is asked for another.
func ExampleStack_Handler_incorrectTenant() {
	ofAccount := func(r *http.Request) (string, error) {
		platform, err := subject(r)
		return platform + "/" + url.PathEscape(r.Header.Get("Account")), err // escaped: no two pairs are one string
	}
	for _, principal := range []concord.Principal{
		subject, // incorrect
		ofAccount,
	} {
		stack, err := concord.New(concord.Config{Principal: principal})
		if err != nil {
			panic(err)
		}
		server := authenticate(stack.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintln(w, "paid from", r.Header.Get("Account"))
		})))
		try(server, "a", "POST", "", "Account", "east", "Idempotency-Key", "1")
		try(server, "a", "POST", "", "Account", "west", "Idempotency-Key", "1")
	}
	// Output:
	// POST 200 paid from east
	// POST 200 paid from east
	// POST 200 paid from east
	// POST 200 paid from west
}

// A handler stops when its context ends. One that writes all the same, after it
// held the gate for too long, writes over what its successor has written
// meanwhile: Bob was told that his change was made, and it is gone.
func ExampleStack_Handler_incorrectContext() {
	for _, heedful := range []bool{
		false, // incorrect
		true,
	} {
		c := concord.Config{Principal: subject}
		c.ETag.MaxRun, c.ETag.GateLease, c.ETag.GateWait = 50*time.Millisecond, 50*time.Millisecond, time.Minute
		stack, err := concord.New(c)
		if err != nil {
			panic(err)
		}
		d := &document{text: "one"}
		began, slow := make(chan struct{}), make(chan struct{})
		server := authenticate(stack.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if who, _ := subject(r); r.Method == http.MethodPut && who == "ann" {
				close(began)
				ended := r.Context().Done()
				if !heedful {
					ended = nil
				}
				select {
				case <-slow:
				case <-ended: // nothing was written; to return without a word would be 200
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
			}
			d.ServeHTTP(w, r)
		})))

		tag := send(server, request("GET", "", "Authorization", "Bearer a")).Header().Get("ETag")
		var ann sync.WaitGroup
		ann.Go(func() { send(server, request("PUT", "two, by ann", "Authorization", "Bearer a", "If-Match", tag)) })
		<-began
		try(server, "b", "PUT", "two, by bob", "If-Match", tag)
		close(slow)
		ann.Wait()
		try(server, "b", "GET", "")
	}
	// Output:
	// PUT 200
	// GET 200 two, by ann
	// PUT 200
	// GET 200 two, by bob
}

// A CORS middleware is given the names of the fields that pages on other origins
// may send and read.
func ExampleCORSRequestFields() {
	allowed := append(concord.CORSRequestFields(), "Authorization", "Content-Type")
	fmt.Println("Access-Control-Allow-Headers:", allowed)
	fmt.Println("Access-Control-Expose-Headers:", concord.CORSResponseFields())
	// Output:
	// Access-Control-Allow-Headers: [Idempotency-Key If-Match If-None-Match If-Unmodified-Since Lock-Token Prefer Timeout Authorization Content-Type]
	// Access-Control-Expose-Headers: [Cache-Status ETag Idempotency-Replayed Link Location Lock-Token Preference-Applied Retry-After Timeout]
}

// The components are to be merged into the document of an API.
func ExampleOpenAPI() {
	var document struct {
		Components struct {
			Responses map[string]struct{ Description string }
		}
	}
	if err := json.Unmarshal(concord.OpenAPI(), &document); err != nil {
		panic(err)
	}
	fmt.Println(document.Components.Responses["Problem412"].Description)
	fmt.Println(document.Components.Responses["Problem503"].Description)
	// Output:
	// Precondition Failed: `version-mismatch`.
	// Service Unavailable: `validator-unavailable`, `store-unavailable`.
}
