package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/concordhttp/concord/middleware/problem"
)

// newServed returns the API with Concord, and document 1 in it.
func newServed(t *testing.T) (http.Handler, *Documents) {
	t.Helper()
	handler, a := newProtected(t)
	if _, err := a.documents.Create(Document{Title: "A", Body: "a"}); err != nil {
		t.Fatal(err)
	}
	return handler, a.documents
}

// newProtected returns the API with Concord.
func newProtected(t *testing.T) (http.Handler, *api) {
	t.Helper()
	stack, err := newStack(keptInMemory(), problem.JSON, nil)
	if err != nil {
		t.Fatal(err)
	}
	a := newAPI()
	return newHandler(stack, a), a
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func write(h http.Handler, method, field, value string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/documents/1", strings.NewReader(`{"title":"B","body":"b"}`))
	r.Header.Set("Content-Type", "application/json")
	if field != "" {
		r.Header.Set(field, value)
	}
	return serve(h, r)
}

func tagOf(t *testing.T, h http.Handler) string {
	t.Helper()
	tag := serve(h, httptest.NewRequest("GET", "/documents/1", http.NoBody)).Header().Get("ETag")
	if tag == "" {
		t.Fatal("the document has no tag")
	}
	return tag
}

func TestAStaleWriteCannotChangeTheDocument(t *testing.T) {
	for _, c := range []struct {
		name, field string
		value       func(stale, current string) string
		status      int
	}{
		{"the tag of an earlier version", "If-Match", func(stale, _ string) string { return stale }, 412},
		{"a tag that never was", "If-Match", func(_, _ string) string { return `"other"` }, 412},
		{"the current tag made weak", "If-Match", func(_, current string) string { return "W/" + current }, 412},
		{"the current tag without its quotes", "If-Match", func(_, current string) string { return strings.Trim(current, `"`) }, 400},
		{"an empty field", "If-Match", func(_, _ string) string { return "" }, 400},
		{"create only", "If-None-Match", func(_, _ string) string { return "*" }, 412},
		{"no precondition", "", func(_, _ string) string { return "" }, 428},
		{"a date", "If-Unmodified-Since", func(_, _ string) string { return "Fri, 01 Jan 2100 00:00:00 GMT" }, 428},
	} {
		for _, method := range []string{"PUT", "PATCH", "DELETE"} {
			t.Run(method+" with "+c.name, func(t *testing.T) {
				handler, documents := newServed(t)
				stale := tagOf(t, handler)
				now := Document{Title: "A", Body: "somebody else was here"}
				if _, err := documents.Put("1", now); err != nil {
					t.Fatal(err)
				}
				w := write(handler, method, c.field, c.value(stale, tagOf(t, handler)))
				if w.Code != c.status {
					t.Errorf("%d %s; want %d", w.Code, w.Body, c.status)
				}
				if got, err := documents.Get("1"); got != now || err != nil {
					t.Errorf("the document is %v, %v; want it as it was", got, err)
				}
			})
		}
	}
}

func TestAWriteWithTheCurrentTagPasses(t *testing.T) {
	for method, status := range map[string]int{"PUT": 200, "PATCH": 200, "DELETE": 204} {
		t.Run(method, func(t *testing.T) {
			handler, documents := newServed(t)
			if w := write(handler, method, "If-Match", tagOf(t, handler)); w.Code != status {
				t.Errorf("%d %s; want %d", w.Code, w.Body, status)
			}
			if got, _ := documents.Get("1"); got.Title == "A" {
				t.Error("nothing was changed")
			}
		})
	}
}

func TestTheListChangesItsTagWithTheDocuments(t *testing.T) {
	handler, documents := newServed(t)
	list := func() string {
		return serve(handler, httptest.NewRequest("GET", "/documents", http.NoBody)).Header().Get("ETag")
	}
	before := list()
	if _, err := documents.Create(Document{Title: "B"}); err != nil {
		t.Fatal(err)
	}
	if after := list(); before == "" || before == after {
		t.Errorf("tags %s and %s", before, after)
	}
}
