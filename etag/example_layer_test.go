package etag_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/middleware"
)

// note is a server that knows nothing of versions: one note to read and write.
func note() http.Handler {
	var text atomic.Value
	text.Store("Buy milk.")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /note", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, text.Load().(string))
	})
	mux.HandleFunc("PUT /note", func(_ http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); err == nil {
			text.Store(string(body))
		}
	})
	return mux
}

func send(h http.Handler, method, body string, fields ...string) *http.Response {
	r := httptest.NewRequest(method, "/note", strings.NewReader(body))
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func ExampleLayer_Handler() {
	layer, err := etag.New(etag.Config{Require: middleware.Routes("PUT /note")})
	if err != nil {
		panic(err)
	}
	h := layer.Handler(note())

	tag := send(h, "GET", "").Header.Get("ETag")
	fmt.Println(send(h, "PUT", "Buy bread.", "If-Match", tag).Status)
	fmt.Println(send(h, "PUT", "Buy tea.", "If-Match", tag).Status) // stale by now
	fmt.Println(send(h, "PUT", "Buy tea.").Status)
	fmt.Println(send(h, "GET", "", "If-None-Match", tag).Status)
	// Output:
	// 200 OK
	// 412 Precondition Failed
	// 428 Precondition Required
	// 200 OK
}

// Around the handler of one method there is nobody to ask for the validator:
// the handler of "PUT /note" answers no GET, and could write if it were asked.
// The layer refuses the write. Wrap the router, or give Config.Current.
func ExampleLayer_Handler_incorrect() {
	layer, err := etag.New(etag.Config{})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("PUT /note", layer.Handler(note())) // incorrect

	fmt.Println(send(mux, "PUT", "Buy tea.", "If-Match", `"v1"`).Status)
	// Output: 500 Internal Server Error
}

// A handler that keeps versions tells them with Current, and compares once more
// in the statement that writes, so that writes which pass no gate count too.
func ExampleFromContext() {
	layer, err := etag.New(etag.Config{
		Current: func(*http.Request) (etag.State, error) {
			return etag.State{Exists: true, Tag: etag.FromVersion(7)}, nil // SELECT version …
		},
	})
	if err != nil {
		panic(err)
	}
	h := layer.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		check, _ := etag.FromContext(r.Context())
		version, _ := check.State.Tag.Version()
		fmt.Printf("UPDATE notes SET … WHERE id = 1 AND version = %d\n", version)
	}))
	fmt.Println(send(h, "PUT", "Buy tea.", "If-Match", `"v7"`).Status)
	// Output:
	// UPDATE notes SET … WHERE id = 1 AND version = 7
	// 200 OK
}
