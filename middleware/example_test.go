package middleware_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

func ExampleChain() {
	says := func(name string) middleware.Middleware {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Println(name)
				next.ServeHTTP(w, r)
			})
		}
	}
	h := middleware.Chain(says("authentication"), says("etag"))(http.NotFoundHandler())
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	// Output:
	// authentication
	// etag
}

func ExampleRoutes() {
	protected := middleware.Routes("PUT /documents/{id}", "DELETE /documents/{id}")
	fmt.Println(protected(httptest.NewRequest("PUT", "/documents/1", nil)))
	fmt.Println(protected(httptest.NewRequest("GET", "/documents/1", nil)))
	// Output:
	// true
	// false
}

func ExampleByAuthorization() {
	r := httptest.NewRequest("POST", "/payments", nil)
	_, err := middleware.ByAuthorization(r)
	fmt.Println(err)

	r.Header.Set("Authorization", "Bearer static-key-1")
	ann, _ := middleware.ByAuthorization(r)
	r.Header.Set("Authorization", "Bearer static-key-2")
	bob, _ := middleware.ByAuthorization(r)
	fmt.Println(ann != bob)
	// Output:
	// middleware: the request does not tell whom it acts for
	// true
}

func ExampleByCookie() {
	r := httptest.NewRequest("POST", "/payments", nil)
	r.AddCookie(&http.Cookie{Name: "session", Value: "8f14e45f"})
	_, err := middleware.ByCookie("session")(r)
	fmt.Println(err)
	// Output: <nil>
}

func ExampleLog() {
	text := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})
	middleware.Log(slog.New(text)).Observe(context.Background(), middleware.Event{
		Kind: middleware.EventRefused, Layer: "etag", Method: "PUT", Resource: "/documents/1",
		Problem: problem.KindVersionMismatch, Status: http.StatusPreconditionFailed,
	})
	// Output:
	// level=INFO msg="concord: refused" layer=etag method=PUT resource=/documents/1 problem=version-mismatch status=412
}
