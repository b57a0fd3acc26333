package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestOnlyDocumentsCanBeLocked(t *testing.T) {
	handler, _ := newServed(t)
	for path, status := range map[string]int{"/documents/1": 200, "/documents": 405, "/folders/1": 405, "/payments": 405} {
		r := httptest.NewRequest("LOCK", path, http.NoBody)
		r.SetBasicAuth("ann", "")
		if w := serve(handler, r); w.Code != status {
			t.Errorf("LOCK %s: %d %s; want %d", path, w.Code, w.Body, status)
		}
	}
}

func TestNobodyCanHoldALock(t *testing.T) {
	handler, _ := newServed(t)
	if w := serve(handler, httptest.NewRequest("LOCK", "/documents/1", http.NoBody)); w.Code != 500 {
		t.Errorf("%d %s; want principal-unknown", w.Code, w.Body)
	}
}
