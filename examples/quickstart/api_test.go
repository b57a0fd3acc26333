package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/concordhttp/concord/middleware/problem"
)

// newAlone returns the API without Concord, with document 1 in it.
func newAlone(t *testing.T) (http.Handler, *api) {
	t.Helper()
	a := newAPI()
	if _, err := a.documents.Create(Document{Title: "A", Body: "a"}); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	a.routes(router{mux, problem.Responder(problem.JSON).HandlerFunc})
	return mux, a
}

func TestTheAPIByItself(t *testing.T) {
	const (
		merge = "application/merge-patch+json"
		js    = "application/json"
	)
	for _, c := range []struct {
		name               string
		method, path       string
		contentType, body  string
		status             int
		part               string // of the answer's body
		location, mimeType string
	}{
		{"list", "GET", "/documents", "", "", 200, `[{"id":"1","title":"A"}]`, "", js},
		{"read", "GET", "/documents/1", "", "", 200, `{"title":"A","body":"a"}`, "", js},
		{"read what is not there", "GET", "/documents/9", "", "", 404, "no such document", "", ""},
		{"create", "POST", "/documents", js, `{"title":"B"}`, 201, `{"title":"B","body":""}`, "/documents/2", js},
		{"create with a charset", "POST", "/documents", js + "; charset=utf-8", `{"title":"B"}`, 201, "", "/documents/2", js},
		{"create with a title in use", "POST", "/documents", js, `{"title":"A"}`, 409, `"conflicting":"/documents/1"`, "", "application/problem+json"},
		{"create without a title", "POST", "/documents", js, `{"body":"b"}`, 422, "wants a title", "", ""},
		{"create with a title too long", "POST", "/documents", js, `{"title":"` + strings.Repeat("B", maxTitle+1) + `"}`, 422, "wants a title", "", ""},
		{"create from null", "POST", "/documents", js, `null`, 422, "no document", "", ""},
		{"create from what is no JSON", "POST", "/documents", js, `{"title":"B"}x`, 400, "not JSON", "", ""},
		{"create from nothing", "POST", "/documents", js, ``, 400, "not JSON", "", ""},
		{"create from a form", "POST", "/documents", "application/x-www-form-urlencoded", `{"title":"B"}`, 415, js, "", ""},
		{"create from too much", "POST", "/documents", js, `{"title":"B","body":"` + strings.Repeat("b", maxBody) + `"}`, 413, "too large", "", ""},
		{"replace", "PUT", "/documents/1", js, `{"title":"B"}`, 200, `{"title":"B","body":""}`, "", js},
		{"create by name", "PUT", "/documents/own", js, `{"title":"B"}`, 201, `"B"`, "/documents/own", js},
		{"create by too long a name", "PUT", "/documents/" + strings.Repeat("n", maxID+1), js, `{"title":"B"}`, 400, "too long", "", ""},
		{"patch", "PATCH", "/documents/1", merge, `{"body":null}`, 200, `{"title":"A","body":""}`, "", js},
		{"patch as plain JSON", "PATCH", "/documents/1", js, `{"title":"B"}`, 200, `{"title":"B","body":"a"}`, "", js},
		{"patch what is not there", "PATCH", "/documents/9", merge, `{}`, 404, "no such document", "", ""},
		{"delete", "DELETE", "/documents/1", "", "", 204, "", "", ""},
		{"delete what is not there", "DELETE", "/documents/9", "", "", 404, "no such document", "", ""},
		{"another method", "DELETE", "/documents", "", "", 405, "", "", ""},
		{"create in a folder that is not there", "POST", "/documents", js, `{"title":"B","folder":"1"}`, 409, "#dependency", "", "application/problem+json"},
		{"read with a fault", "GET", "/documents/1?fail=500", "", "", 500, "#internal", "", "application/problem+json"},
		{"read with a fault that is none", "GET", "/documents/1?fail=maybe", "", "", 400, "fail is", "", ""},
		{"replace with a fault that is none", "PUT", "/documents/1?slow=later", js, `{"title":"B"}`, 400, "slow is", "", ""},
		{"create a folder", "POST", "/folders", js, `{"name":"F"}`, 201, `{"name":"F"}`, "/folders/1", js},
		{"create a folder without a name", "POST", "/folders", js, `{}`, 422, "wants a name", "", ""},
		{"create a folder from null", "POST", "/folders", js, `null`, 422, "wants a name", "", ""},
		{"create a folder from a form", "POST", "/folders", "application/x-www-form-urlencoded", `name=F`, 415, js, "", ""},
		{"delete a folder that is not there", "DELETE", "/folders/9", "", "", 404, "", "", ""},
		{"book", "POST", "/bookings", js, `{"slot":"10:00"}`, 201, `{"slot":"10:00"}`, "/bookings/1", js},
		{"book nothing", "POST", "/bookings", js, `{}`, 422, "wants a slot", "", ""},
		{"book too long a name", "POST", "/bookings", js, `{"slot":"` + strings.Repeat("1", maxSlot+1) + `"}`, 422, "wants a slot", "", ""},
		{"book from what is no JSON", "POST", "/bookings", js, `10:00`, 400, "not JSON", "", ""},
		{"a report that is not there", "GET", "/reports/other", "", "", 404, "no such report", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			handler, _ := newAlone(t)
			r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
			if c.contentType != "" {
				r.Header.Set("Content-Type", c.contentType)
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.part) {
				t.Errorf("%d %s; want %d and %q", w.Code, w.Body, c.status, c.part)
			}
			if got := w.Header().Get("Location"); got != c.location {
				t.Errorf("Location is %q, want %q", got, c.location)
			}
			if got := w.Header().Get("Content-Type"); c.mimeType != "" && got != c.mimeType {
				t.Errorf("Content-Type is %q, want %q", got, c.mimeType)
			}
			if w.Header().Get("ETag") != "" {
				t.Error("the handlers are to know nothing of tags")
			}
		})
	}
}
