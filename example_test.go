package concord_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/problem"
)

type document struct {
	mu   sync.Mutex
	text string
	paid int
}

// ServeHTTP is a server that knows nothing of Concord: GET and PUT of a document,
// and payments by POST.
func (d *document) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch r.Method {
	case http.MethodPost:
		d.paid++
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintln(w, "payment", d.paid)
	case http.MethodPut:
		text, _ := io.ReadAll(r.Body)
		d.text = string(text)
	default:
		_, _ = io.WriteString(w, d.text)
	}
}

// authenticate knows its callers by their tokens, and puts the subject into the
// context, where subject finds it.
func authenticate(next http.Handler) http.Handler {
	subjects := map[string]string{"Bearer a": "ann", "Bearer b": "bob"}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, known := subjects[r.Header.Get("Authorization")]
		if !known {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), subjectKey{}, who)))
	})
}

// try sends a request for the caller with this token, and prints the answer.
func try(h http.Handler, token, method, body string, fields ...string) *httptest.ResponseRecorder {
	w := send(h, request(method, body, append(fields, "Authorization", "Bearer "+token)...))
	text := strings.TrimSpace(w.Body.String())
	if w.Header().Get("Content-Type") == "application/problem+json" {
		_, text, _ = strings.Cut(text, "problems.md#")
		text, _, _ = strings.Cut(text, `"`)
	}
	fmt.Println(strings.TrimSpace(fmt.Sprint(method, " ", w.Code, " ", text)))
	return w
}

// One line protects a server that exists already.
func ExampleStack_Handler() {
	stack, err := concord.New(concord.Config{Principal: subject})
	if err != nil {
		panic(err)
	}
	server := authenticate(stack.Handler(&document{text: "one"}))

	// Two have read the same version, and both change it: one is told so.
	tag := try(server, "a", "GET", "").Header().Get("ETag")
	try(server, "a", "PUT", "two, by ann", "If-Match", tag)
	try(server, "b", "PUT", "two, by bob", "If-Match", tag)

	// A client that lost the answer asks again, and pays once.
	try(server, "a", "POST", "", "Idempotency-Key", "8e03978e")
	try(server, "a", "POST", "", "Idempotency-Key", "8e03978e")
	// Output:
	// GET 200 one
	// PUT 200
	// PUT 412 version-mismatch
	// POST 201 payment 1
	// POST 201 payment 1
}

// Mistakes are reported all at once.
func ExampleNew() {
	c := concord.Config{}
	c.ETag.StaleStatus = 400
	c.Idempotency.TTL = -1
	_, err := concord.New(c)
	fmt.Println(err)
	// Output:
	// config: concord.Config.Idempotency.TTL is -1ns: must not be negative
	// config: concord.Config.ETag.StaleStatus is 400: must be 412 or 409
	// config: concord.Config.Principal: is required: without it one caller could be given another's answer
}

// Some routes want more than others.
func ExampleStack_With() {
	stack, err := concord.New(concord.Config{Principal: subject})
	if err != nil {
		panic(err)
	}
	strict, err := stack.With(func(c *concord.Config) {
		c.ETag.Require = concord.Routes("PUT /")
		c.Idempotency.Require = concord.Routes("POST /")
	})
	if err != nil {
		panic(err)
	}
	d := &document{}
	lenient, server := authenticate(stack.Handler(d)), authenticate(strict.Handler(d))

	try(server, "a", "PUT", "one")
	try(server, "a", "POST", "")
	try(lenient, "a", "PUT", "one")

	// The key that was used on one is known to the other.
	try(lenient, "a", "POST", "", "Idempotency-Key", "8e03978e")
	try(server, "a", "POST", "", "Idempotency-Key", "8e03978e")
	// Output:
	// PUT 428 precondition-required
	// POST 400 key-missing
	// PUT 200
	// POST 201 payment 1
	// POST 201 payment 1
}

// Handlers return what went wrong, and their clients are told what they can use
// of it: a database's error by its code, and nothing of one that is not for them.
func ExampleStack_HandlerFunc() {
	stack, err := concord.New(concord.Config{Principal: subject})
	if err != nil {
		panic(err)
	}
	routes := http.NewServeMux()
	routes.Handle("PUT /d", stack.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
		return problem.StateConflict("This slot is taken. Choose another.")
	}))
	routes.Handle("DELETE /d", stack.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
		return fmt.Errorf("delete the folder: %w", sqlError("23503"))
	}))
	routes.Handle("POST /d", stack.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		return io.ErrUnexpectedEOF
	}))
	server := authenticate(stack.Handler(routes))
	for _, method := range []string{"PUT", "DELETE", "POST"} {
		try(server, "a", method, "")
	}
	// Output:
	// PUT 409 state-conflict
	// DELETE 409 dependency
	// POST 500 internal
}

// An operator has found out what became of a payment whose server broke off, and
// says so: from then on its customer is answered that.
func ExampleStack_Idempotency() {
	stack, err := concord.New(concord.Config{Principal: subject})
	if err != nil {
		panic(err)
	}
	server := authenticate(stack.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
	})))
	try(server, "a", "POST", "", "Idempotency-Key", "8e03978e")
	try(server, "a", "POST", "", "Idempotency-Key", "8e03978e")

	layer := stack.Idempotency()
	ref, err := layer.Reference("ann", "8e03978e") // the customer names the key
	if err != nil {
		panic(err)
	}
	err = layer.Resolve(context.Background(), ref, &idempotency.Outcome{Status: http.StatusCreated, Body: []byte("payment 1")})
	fmt.Println(err)
	try(server, "a", "POST", "", "Idempotency-Key", "8e03978e")
	// Output:
	// POST 502
	// POST 409 outcome-unknown
	// <nil>
	// POST 201 payment 1
}

// compress is a compressing middleware.
func compress(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" || r.Method != http.MethodGet {
			next.ServeHTTP(w, r)
			return
		}
		plain := httptest.NewRecorder()
		next.ServeHTTP(plain, r)
		var zipped bytes.Buffer
		z := gzip.NewWriter(&zipped)
		_, _ = z.Write(plain.Body.Bytes())
		_ = z.Close()
		if tag := plain.Header().Get("ETag"); tag != "" {
			w.Header().Set("ETag", tag)
		}
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(zipped.Bytes())
	})
}

// Compression belongs outside. Inside, the tag is that of the compressed bytes,
// and a client that has read those is told that its version is stale, although
// nobody has changed anything.
func ExampleStack_Handler_incorrectCompression() {
	stack, err := concord.New(concord.Config{Principal: subject})
	if err != nil {
		panic(err)
	}
	d := &document{text: "one"}
	for _, server := range []http.Handler{
		authenticate(stack.Handler(compress(d))), // incorrect
		authenticate(compress(stack.Handler(d))),
	} {
		read := send(server, request("GET", "", "Accept-Encoding", "gzip", "Authorization", "Bearer a"))
		try(server, "a", "PUT", "two", "If-Match", read.Header().Get("ETag"))
	}
	// Output:
	// PUT 412 version-mismatch
	// PUT 200
}

// Authentication belongs outside. Inside, it is not asked about a request that
// the Stack answers by itself: whoever knows ann's name and key gets her answer.
func ExampleStack_Handler_incorrectAuthentication() {
	stack, err := concord.New(concord.Config{
		Principal: func(r *http.Request) (string, error) { return r.Header.Get("X-User"), nil },
	})
	if err != nil {
		panic(err)
	}
	server := stack.Handler(authenticate(&document{})) // incorrect
	ann := []string{"X-User", "ann", "Idempotency-Key", "8e03978e"}
	try(server, "a", "POST", "", ann...)
	try(server, "stolen", "POST", "", ann...)

	server = authenticate(stack.Handler(&document{}))
	try(server, "stolen", "POST", "", ann...)
	// Output:
	// POST 201 payment 1
	// POST 201 payment 1
	// POST 401
}
