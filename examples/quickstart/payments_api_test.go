package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/concordhttp/concord/middleware/problem"
)

// newPaymentsAPI returns the API without Concord.
func newPaymentsAPI() (http.Handler, *Payments) {
	payments := new(Payments)
	mux := http.NewServeMux()
	paymentsAPI{payments}.routes(router{mux, problem.Responder(problem.JSON).HandlerFunc})
	return mux, payments
}

// payment is a request for one, with a query such as "?slow=2s" or none.
func payment(query, body string) *http.Request {
	r := httptest.NewRequest("POST", "/payments"+query, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

// charged serves r, whose handler may panic, as a server would: status 0 is a
// connection that broke off.
func charged(h http.Handler, r *http.Request) (w *httptest.ResponseRecorder) {
	defer func() {
		if recover() != nil {
			w = &httptest.ResponseRecorder{Body: new(bytes.Buffer)}
		}
	}()
	return serve(h, r)
}

func TestThePaymentsAPIByItself(t *testing.T) {
	eur := order.json()
	for _, c := range []struct {
		name, query, body string
		status            int
		part              string // of the answer's body
		charges           int
	}{
		{"a payment", "", eur, 201, `"charge":1,"amount":1250,"currency":"EUR"}`, 1},
		{"nothing", "", "", 400, "not JSON", 0},
		{"null", "", "null", 422, "no payment", 0},
		{"an amount in words", "", `{"amount":"12","currency":"EUR"}`, 422, "no payment", 0},
		{"half a cent", "", `{"amount":0.5,"currency":"EUR"}`, 422, "no payment", 0},
		{"no amount", "", `{"currency":"EUR"}`, 422, "an amount, from 1 to 100000000 ", 0},
		{"the smallest amount", "", `{"amount":1,"currency":"EUR"}`, 201, `"amount":1,`, 1},
		{"less than that", "", `{"amount":-1,"currency":"EUR"}`, 422, "wants an amount", 0},
		{"the largest amount", "", `{"amount":100000000,"currency":"EUR"}`, 201, `"amount":100000000,`, 1},
		{"more than that", "", `{"amount":100000001,"currency":"EUR"}`, 422, "wants an amount", 0},
		{"no currency", "", `{"amount":1}`, 422, "wants a currency", 0},
		{"a currency that is none", "", `{"amount":1,"currency":"eur"}`, 422, "wants a currency", 0},
		{"a currency too long", "", `{"amount":1,"currency":"EURO"}`, 422, "wants a currency", 0},
		{"a fault that is none", "?fail=maybe", eur, 400, "fail is 500, panic", 0},
		{"slower than allowed", "?slow=11s", eur, 400, "at most 10s", 0},
		{"a failure after the charge", "?fail=500", eur, 500, "#internal", 1},
		{"an answer that is large", "?fail=large", eur, 201, `"receipt":"Thank you. `, 1},
		{"a panic after the charge", "?fail=panic", eur, 0, "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			api, payments := newPaymentsAPI()
			w := charged(api, payment(c.query, c.body))
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.part) {
				t.Errorf("%d %s; want %d and %q", w.Code, w.Body, c.status, c.part)
			}
			made := payments.List()
			if len(made) != c.charges {
				t.Errorf("%d charges, want %d", len(made), c.charges)
			}
			if w.Code == http.StatusCreated && w.Header().Get("Location") != "/payments/"+made[0].ID {
				t.Errorf("Location is %q; the payment is %v", w.Header().Get("Location"), made[0])
			}
		})
	}
}

func TestPaymentsCanBeReadWhereTheyAreSaidToBe(t *testing.T) {
	api, _ := newPaymentsAPI()
	get := func(path string) *httptest.ResponseRecorder {
		return serve(api, httptest.NewRequest("GET", path, http.NoBody))
	}
	if w := get("/payments"); w.Body.String() != "[]\n" {
		t.Errorf("before any: %s", w.Body)
	}
	made := serve(api, payment("", order.json()))
	if w := get(made.Header().Get("Location")); w.Code != 200 || w.Body.String() != made.Body.String() {
		t.Errorf("%d %s; want %s", w.Code, w.Body, made.Body)
	}
	if w := get("/payments"); w.Body.String() != "["+strings.TrimSpace(made.Body.String())+"]\n" {
		t.Errorf("the list is %s", w.Body)
	}
	if w := get("/payments/other"); w.Code != 404 || !strings.Contains(w.Body.String(), "no such payment") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestThePaymentsAPIKnowsNothingOfKeys(t *testing.T) {
	api, payments := newPaymentsAPI()
	for range 2 {
		r := payment("", order.json())
		r.Header.Set("Idempotency-Key", "a")
		serve(api, r)
	}
	if n := len(payments.List()); n != 2 {
		t.Errorf("%d charges; by itself it makes one for each request", n)
	}
}
