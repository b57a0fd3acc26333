// Custombody answers conflicts in the format of a house that had one before
// RFC 9457: whoever reads its errors today can go on to. From the root of the
// repository:
//
//	go run ./examples/custombody
//	curl -i -X PUT 127.0.0.1:8080/notes/1 -d 'Buy milk.'
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/middleware/problem"
)

// houseError is what this house calls an error.
type houseError struct {
	Code       string         `json:"code"` // "VERSION_MISMATCH"
	Message    string         `json:"message"`
	RetryAfter int            `json:"retryAfterSeconds,omitempty"` // absent: do not send it again
	Details    map[string]any `json:"details,omitempty"`
	Reference  string         `json:"reference"` // also in the log
}

// respond is the Responder: it says what Concord found in the words of the house.
// WriteHeader sends the status and the fields that belong to it (ETag,
// Retry-After), and clears those that belong to the answer that is not given.
func respond(w http.ResponseWriter, r *http.Request, p *problem.Problem) {
	p = problem.Renderer{}.Complete(p)
	e := houseError{
		Code:      strings.ToUpper(strings.ReplaceAll(string(p.Kind), "-", "_")),
		Message:   p.Detail,
		Details:   p.Extensions,
		Reference: p.Instance,
	}
	if p.Retryable {
		e.RetryAfter, _ = strconv.Atoi(p.Header.Get("Retry-After"))
	}
	if p.Err != nil {
		log.Printf("%s %s: %s: %v", r.Method, r.URL.Path, p.Instance, p.Err)
	}
	w.Header().Set("Content-Type", "application/json")
	p.WriteHeader(w)
	_ = json.NewEncoder(w).Encode(map[string]houseError{"error": e})
}

func newHandler() (http.Handler, error) {
	stack, err := concord.New(concord.Config{
		Principal: concord.ByAuthorization,
		Respond:   respond,
		ETag:      etag.Config{Require: concord.Routes("PUT /notes/{id}")},
	})
	if err != nil {
		return nil, err
	}
	var notes sync.Map
	mux := http.NewServeMux()
	mux.Handle("GET /notes/{id}", stack.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		note, ok := notes.Load(r.PathValue("id"))
		if !ok {
			http.NotFound(w, r)
			return nil
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, err := fmt.Fprint(w, note)
		return err
	}))
	mux.Handle("PUT /notes/{id}", stack.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) error {
		note, err := io.ReadAll(r.Body)
		if err == nil && len(note) == 0 {
			return problem.StateConflict("A note says something.") // in the same form
		}
		notes.Store(r.PathValue("id"), string(note))
		return err
	}))
	return stack.Handler(mux), nil
}

func main() {
	handler, err := newHandler()
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Addr: "127.0.0.1:8080", Handler: handler, ReadTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}
