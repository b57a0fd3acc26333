package idempotency_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
)

// payments is a server that knows nothing of keys: it charges whenever it is
// asked to.
func payments() http.Handler {
	var charges atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, "charge %d", charges.Add(1))
	})
}

// authenticate says whose credentials came with a request, in the field that
// subject reads. A real server would use the context.
func authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		r.Header.Set("X-Subject", "owner of "+token)
		next.ServeHTTP(w, r)
	})
}

// subject is a Principal: the authenticated caller.
func subject(r *http.Request) (string, error) {
	if s := r.Header.Get("X-Subject"); s != "" {
		return s, nil
	}
	return "", middleware.ErrPrincipalUnknown
}

// sendPayment sends a payment to h, whatever is answered.
func sendPayment(h http.Handler, who, key string) {
	r := httptest.NewRequest(http.MethodPost, "/payments", http.NoBody)
	r.Header.Set("Authorization", "Bearer "+who)
	r.Header.Set("Idempotency-Key", key)
	h.ServeHTTP(httptest.NewRecorder(), r)
}

// pays sends a payment to h and prints how it was answered.
func pays(h http.Handler, who, key, body string) {
	r := httptest.NewRequest(http.MethodPost, "/payments", strings.NewReader(body))
	if who != "" {
		r.Header.Set("Authorization", "Bearer "+who)
	}
	r.Header.Set("Idempotency-Key", key)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	text, how := strings.TrimSpace(w.Body.String()), ""
	if w.Header().Get("Content-Type") == "application/problem+json" {
		var p struct{ Title string }
		_ = json.Unmarshal(w.Body.Bytes(), &p)
		text = p.Title
	}
	if w.Header().Get("Idempotency-Replayed") != "" {
		how = " (replayed)"
	}
	fmt.Println(strings.TrimSpace(fmt.Sprint(w.Code, " ", text, how)))
}

// A client that lost an answer sends its request again, with the same key, and
// gets that answer. Nobody is charged twice.
func ExampleLayer_Handler() {
	layer, err := idempotency.New(idempotency.Config{
		Principal: subject,
		Require:   middleware.Routes("POST /payments"),
	})
	if err != nil {
		panic(err)
	}
	h := authenticate(layer.Handler(payments()))

	pays(h, "alice", "8e03978e", `{"amount":1}`)
	pays(h, "alice", "8e03978e", `{"amount":1}`)
	pays(h, "alice", "8e03978e", `{"amount":2}`) // another request
	pays(h, "bob", "8e03978e", `{"amount":1}`)   // another caller
	// Output:
	// 201 charge 1
	// 201 charge 1 (replayed)
	// 422 This key belongs to another request
	// 201 charge 2
}

// A key is its principal's alone. Outside of authentication the layer cannot
// know whom a request acts for; made to work by one principal for all, it gives
// what Alice was answered to whoever sends her request with her key, credentials
// or not.
func ExampleLayer_Handler_incorrect() {
	layer, err := idempotency.New(idempotency.Config{
		Principal: middleware.DangerouslyShared, // incorrect
	})
	if err != nil {
		panic(err)
	}
	h := layer.Handler(authenticate(payments())) // incorrect

	pays(h, "alice", "1", `{"amount":1}`)
	pays(h, "bob", "1", `{"amount":1}`)
	pays(h, "", "1", `{"amount":1}`)
	// Output:
	// 201 charge 1
	// 201 charge 1 (replayed)
	// 201 charge 1 (replayed)
}

// The layer goes outside of whatever looks at the state of the resource. Inside
// of preconditions, the retry of a PUT that was done is told that its validator
// is stale, by its own doing.
func ExampleLayer_Handler_incorrectOrder() {
	claims, err := idempotency.New(idempotency.Config{Principal: subject})
	if err != nil {
		panic(err)
	}
	conditions, err := etag.New(etag.Config{})
	if err != nil {
		panic(err)
	}
	for _, h := range []http.Handler{
		conditions.Handler(claims.Handler(note())), // incorrect
		claims.Handler(conditions.Handler(note())),
	} {
		for range 2 {
			r := httptest.NewRequest(http.MethodPut, "/note", strings.NewReader("Buy tea."))
			r.Header.Set("X-Subject", "alice")
			r.Header.Set("Idempotency-Key", "1")
			r.Header.Set("If-Match", etag.Of([]byte("Buy milk.")).String())
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			fmt.Println(w.Code)
		}
	}
	// Output:
	// 200
	// 412
	// 200
	// 200
}

// note is one text to read and write.
func note() http.Handler {
	text := []byte("Buy milk.")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = w.Write(text)
			return
		}
		if body, err := io.ReadAll(r.Body); err == nil {
			text = body
		}
	})
}

// Two spellings of one JSON document are one request, if the server says so.
// Method, host, path and query count all the same.
func ExampleConfig_fingerprint() {
	layer, err := idempotency.New(idempotency.Config{
		Principal: subject,
		Fingerprint: func(_ *http.Request, body []byte) []byte {
			var compact bytes.Buffer
			if json.Compact(&compact, body) != nil {
				return body // not JSON: as it is
			}
			return compact.Bytes()
		},
	})
	if err != nil {
		panic(err)
	}
	h := authenticate(layer.Handler(payments()))

	pays(h, "alice", "1", `{"amount":1}`)
	pays(h, "alice", "1", `{ "amount": 1 }`)
	pays(h, "alice", "1", `{ "amount": 2 }`)
	// Output:
	// 201 charge 1
	// 201 charge 1 (replayed)
	// 422 This key belongs to another request
}
