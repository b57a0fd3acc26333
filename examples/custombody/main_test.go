package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/concordhttp/concord/middleware/problem"
)

func TestConflictsAreAnsweredInTheFormatOfTheHouse(t *testing.T) {
	for _, c := range []struct {
		name, field, value, body string
		status                   int
		code                     string
		details                  string // one of them
	}{
		{"a write without a precondition", "", "", "a", 428, "PRECONDITION_REQUIRED", "wanted_fields"},
		{"a stale tag", "If-Match", `"old"`, "a", 412, "VERSION_MISMATCH", "current_etag"},
		{"a key that is none", "Idempotency-Key", "", "a", 400, "KEY_INVALID", ""},
		{"a conflict that the handler found", "If-Match", "*", "", 409, "STATE_CONFLICT", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			handler, err := newHandler()
			if err != nil {
				t.Fatal(err)
			}
			if w := put(handler, "If-None-Match", "*", "Buy milk."); w.Code != http.StatusOK {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			w := put(handler, c.field, c.value, c.body)
			e := read(t, w)
			if w.Code != c.status || e.Code != c.code || e.Message == "" || e.Reference == "" || e.RetryAfter != 0 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if _, ok := e.Details[c.details]; c.details != "" && !ok {
				t.Errorf("no %s among the details of %s", c.details, w.Body)
			}
			if etag := w.Header().Get("ETag"); (etag != "") != (c.status == 412) {
				t.Errorf("ETag is %q", etag)
			}
		})
	}
}

func TestTheHouseSaysWhenToTryAgainAndNothingOfItsFailures(t *testing.T) {
	w := httptest.NewRecorder()
	respond(w, httptest.NewRequest("PUT", "/notes/1", http.NoBody), problem.New(problem.KindResourceBusy, "Busy."))
	if e := read(t, w); e.RetryAfter != 1 || w.Header().Get("Retry-After") != "1" {
		t.Errorf("%s %v", w.Body, w.Header())
	}
	w = httptest.NewRecorder()
	respond(w, httptest.NewRequest("PUT", "/notes/1", http.NoBody), problem.New(problem.KindInternal, "password hunter2"))
	if e := read(t, w); w.Code != 500 || e.Code != "INTERNAL" || strings.Contains(w.Body.String(), "hunter2") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func put(h http.Handler, field, value, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("PUT", "/notes/1", strings.NewReader(body))
	r.SetBasicAuth("ann", "")
	if field != "" {
		r.Header.Set(field, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func read(t *testing.T, w *httptest.ResponseRecorder) houseError {
	t.Helper()
	var answer struct {
		Error houseError `json:"error"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%v, %v, %s", err, w.Header(), w.Body)
	}
	return answer.Error
}
