package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// answering is a server that answers its n-th request, from 1, by answer.
func answering(answer func(w http.ResponseWriter, n int)) http.Handler {
	var requests atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, int(requests.Add(1)))
	})
}

func always(status int) http.Handler {
	return answering(func(w http.ResponseWriter, _ int) { w.WriteHeader(status) })
}

// claimsToReplay says that it replays, and charges every time.
func claimsToReplay(w http.ResponseWriter, n int) {
	if n > 1 {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	w.Header().Set("Location", "/payments/1")
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"charge":%d,"amount":1250}`, n)
}

// freesTheKey has forgotten a request that broke off.
func freesTheKey(w http.ResponseWriter, n int) {
	if n == 1 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(http.StatusCreated)
}

// Servers on which a payment that is sent again does harm, or is not told apart.
func TestPaymentScenariosSeeWhatTheyAreAbout(t *testing.T) {
	alone, _ := newPaymentsAPI()
	for _, c := range []struct {
		name   string
		server http.Handler
		play   func(*tour)
		wrong  string
	}{
		{"Concord is not there", alone, payments, "1.2 of the tour, POST /payments: field Idempotency-Replayed is"},
		{"a replay that is another charge", answering(claimsToReplay), payments, "1.2 of the tour, POST /payments: the body is"},
		{"both of two run", always(201), inFlight, "answered 201 Created, expected 409"},
		{"neither of two runs", always(409), inFlight, `the problem is "", expected "request-in-flight"`},
		{"two break off", answering(func(http.ResponseWriter, int) { panic(http.ErrAbortHandler) }), inFlight, "EOF"},
		{"a retry that charges again", answering(freesTheKey), crash, "1.2 of the tour, POST /payments?fail=panic: answered 201 Created, expected 409"},
		{"a retry that breaks off again", alone, crash, "1.2 of the tour, POST /payments?fail=panic: Post"},
		{"a failure that is no crash", always(500), crash, "answered 500 Internal Server Error, expected the connection to break off"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(c.server)
			defer server.Close()
			err := giveTour(t.Context(), server.URL, []scenario{{c.name, c.play}}, new(bytes.Buffer))
			if err == nil || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%v; want %s", err, c.wrong)
			}
		})
	}
}

// A server that is gone is not one that broke off.
func TestNoConnectionIsNotABrokenOne(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	err := giveTour(t.Context(), server.URL, []scenario{{"crash", crash}}, new(bytes.Buffer))
	if err == nil || !strings.Contains(err.Error(), "1.1 of the tour") {
		t.Errorf("%v", err)
	}
}

// An update that is judged before its key is told that it was in its own way.
func TestTheTourSeesThatKeysDoNotComeFirst(t *testing.T) {
	handler, _ := newServed(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Idempotency-Key")
		handler.ServeHTTP(w, r)
	}))
	defer server.Close()
	err := giveTour(t.Context(), server.URL, []scenario{{"retry", retriedUpdate}}, new(bytes.Buffer))
	if err == nil || !strings.Contains(err.Error(), "1.3 of the tour, PUT /documents/1: answered 412") {
		t.Errorf("%v", err)
	}
}
