package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Who changed a document is who the request acts for, whatever its body claims.
func TestTheServerSaysWhoChangedADocument(t *testing.T) {
	for _, c := range []struct{ name, user, body, want string }{
		{"somebody", "ann", `{"title":"B"}`, "ann"},
		{"nobody", "", `{"title":"B"}`, ""},
		{"somebody who claims to be somebody else", "ann", `{"title":"B","changed_by":"bob"}`, "ann"},
		{"nobody who claims to be somebody", "", `{"title":"B","changed_by":"bob"}`, ""},
		{"the longest name", strings.Repeat("a", maxName), `{"title":"B"}`, strings.Repeat("a", maxName)},
		{"a longer one", strings.Repeat("a", maxName+1), `{"title":"B"}`, ""},
	} {
		for method, target := range map[string]string{"POST": "/documents", "PUT": "/documents/1", "PATCH": "/documents/1"} {
			t.Run(method+" by "+c.name, func(t *testing.T) {
				handler, a := newAlone(t)
				if _, err := a.documents.Put("1", Document{Title: "A", ChangedBy: "cat"}); err != nil {
					t.Fatal(err)
				}
				r := httptest.NewRequest(method, target, strings.NewReader(c.body))
				r.Header.Set("Content-Type", "application/json")
				if c.user != "" {
					r.SetBasicAuth(c.user, "")
				}
				w := serve(handler, r)
				at := "1"
				if method == "POST" {
					at = "2"
				}
				if doc, err := a.documents.Get(at); doc.Title != "B" || doc.ChangedBy != c.want || err != nil {
					t.Errorf("%d %s; the document is %v, %v; want it changed by %q", w.Code, w.Body, doc, err, c.want)
				}
			})
		}
	}
}

// The problem of a stale write shows who was first, to whom asks for that.
func TestAStaleWriteIsToldWhoWasFirst(t *testing.T) {
	handler, documents := newServed(t)
	stale := tagOf(t, handler)
	if _, err := documents.Put("1", Document{Title: "A", ChangedBy: "ann"}); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPut, "/documents/1", strings.NewReader(`{"title":"B"}`))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("If-Match", stale)
	r.Header.Set("Prefer", "return=representation")
	if w := serve(handler, r); w.Code != 412 || !strings.Contains(w.Body.String(), `"changed_by":"ann"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
