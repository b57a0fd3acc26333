package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// newCharged returns the API with Concord, and the payments in it.
func newCharged(t *testing.T) (http.Handler, *Payments) {
	t.Helper()
	handler, a := newProtected(t)
	return handler, a.payments
}

func keyed(r *http.Request) *http.Request {
	r.SetBasicAuth("ann", "")
	r.Header.Set("Idempotency-Key", `"8e03978e"`)
	return r
}

func TestAPaymentSentAgainIsChargedOnce(t *testing.T) {
	for _, c := range []struct {
		name, query   string
		first, second int
		replayed      bool
	}{
		{"when it was made", "", 201, 201, true},
		{"when it failed after the charge", "?fail=500", 500, 500, true},
		{"when it broke off after the charge", "?fail=panic", 0, 409, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			handler, payments := newCharged(t)
			first := charged(handler, keyed(payment(c.query, order.json())))
			second := charged(handler, keyed(payment(c.query, order.json())))
			if first.Code != c.first || second.Code != c.second {
				t.Errorf("%d, then %d %s; want %d, then %d", first.Code, second.Code, second.Body, c.first, c.second)
			}
			if got := second.Header().Get("Idempotency-Replayed") == "true"; got != c.replayed {
				t.Errorf("replayed: %v, want %v", got, c.replayed)
			}
			if c.replayed && second.Body.String() != first.Body.String() {
				t.Errorf("first %s, then %s", first.Body, second.Body)
			}
			if n := len(payments.List()); n != 1 {
				t.Errorf("%d charges", n)
			}
		})
	}
}

func TestAPaymentThatWasRefusedChargesNothing(t *testing.T) {
	handler, payments := newCharged(t)
	if w := serve(handler, payment("", order.json())); w.Code != 400 || !strings.Contains(w.Body.String(), "#key-missing") {
		t.Errorf("without a key: %d %s", w.Code, w.Body)
	}
	if n := len(payments.List()); n != 0 {
		t.Fatalf("%d charges", n)
	}
	serve(handler, keyed(payment("", order.json())))
	if w := serve(handler, keyed(payment("", `{"amount":1,"currency":"EUR"}`))); w.Code != 422 || !strings.Contains(w.Body.String(), "#key-reused") {
		t.Errorf("another one with the same key: %d %s", w.Code, w.Body)
	}
	if n := len(payments.List()); n != 1 {
		t.Errorf("%d charges", n)
	}
}

func TestAPaymentSentWhileItRunsIsNotRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler, payments := newCharged(t)
		var first *httptest.ResponseRecorder
		go func() { first = serve(handler, keyed(payment("?slow=2s", order.json()))) }()
		synctest.Wait()
		w := serve(handler, keyed(payment("?slow=2s", order.json())))
		if w.Code != 409 || !strings.Contains(w.Body.String(), "#request-in-flight") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := len(payments.List()); n != 1 || first.Code != 201 {
			t.Errorf("%d charges, %d", n, first.Code)
		}
	})
}

func TestAnUpdateRetriedWithItsKeyGetsItsAnswer(t *testing.T) {
	handler, _ := newServed(t)
	tag := tagOf(t, handler)
	update := func() *httptest.ResponseRecorder {
		r := httptest.NewRequest("PUT", "/documents/1", strings.NewReader(`{"title":"B","body":"b"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("If-Match", tag)
		return serve(handler, keyed(r))
	}
	first, second := update(), update()
	if first.Code != 200 || second.Code != 200 || first.Body.String() != second.Body.String() {
		t.Errorf("%d %s, then %d %s", first.Code, first.Body, second.Code, second.Body)
	}
	if second.Header().Get("Idempotency-Replayed") != "true" {
		t.Error("the second was run")
	}
}
