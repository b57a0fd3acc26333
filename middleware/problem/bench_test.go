package problem_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/concordhttp/concord/middleware/problem"
)

// discard is a writer that costs nothing, and whose fields are cleared for
// each answer.
type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

func BenchmarkRender(b *testing.B) {
	p := problem.VersionMismatch("The document has changed since you read it.")
	p.Header = http.Header{"Etag": {`"v2"`}}
	p.Extensions = map[string]any{"failed_field": "If-Match", "current_etag": `"v2"`}
	for _, c := range []struct {
		name    string
		respond problem.Responder
		accept  string
	}{
		{"JSON", problem.JSON, ""},
		{"Negotiate as HTML", problem.Negotiate, "text/html,*/*;q=0.8"},
		{"Stripe", problem.Stripe, ""},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := httptest.NewRequest("PUT", "/", nil)
			r.Header.Set("Accept", c.accept)
			w := &discard{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.h)
				c.respond(w, r, p)
			}
		})
	}
}

func BenchmarkHandlerFunc(b *testing.B) {
	h := problem.Responder(nil).HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusNoContent)
		return nil
	})
	r := httptest.NewRequest("PUT", "/", nil)
	w := &discard{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
}

func BenchmarkFromSQL(b *testing.B) {
	for name, err := range map[string]error{
		"conflict":    fmt.Errorf("saving: %w", &pgError{Code: "23505", ConstraintName: "users_email_key"}),
		"no conflict": fmt.Errorf("saving: %w", errors.New("disk on fire")),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = problem.FromSQL(err)
			}
		})
	}
}
