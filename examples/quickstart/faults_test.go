package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func TestFaultsAreReadFromTheQuery(t *testing.T) {
	for query, want := range map[string]fault{
		"":                    {},
		"slow=2s":             {slow: 2 * time.Second},
		"slow=10s&fail=panic": {slow: maxSlow, fail: "panic"},
		"fail=500":            {fail: "500"},
		"slow=&fail=":         {},
	} {
		f, err := readFault(httptest.NewRequest("POST", "/payments?"+query, http.NoBody))
		if err != nil || f != want {
			t.Errorf("%q: %+v, %v; want %+v", query, f, err, want)
		}
	}
	for _, query := range []string{"slow=10001ms", "slow=-1s", "slow=2", "slow=soon", "fail=404", "fail=PANIC"} {
		_, err := readFault(httptest.NewRequest("POST", "/payments?"+query, http.NoBody))
		var bad *requestError
		if !errors.As(err, &bad) || bad.status != http.StatusBadRequest {
			t.Errorf("%q: %v; want it refused", query, err)
		}
	}
}

func TestASlowRequestTakesAsLongAsItAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if !(fault{slow: 2 * time.Second}).wait(t.Context()) {
			t.Error("it stopped early")
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestASlowRequestStopsWhenItIsToldTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		api, payments := newPaymentsAPI()
		began := time.Now()
		w := serve(api, payment("?slow=9s", order.json()).WithContext(ctx))
		if took := time.Since(began); took != time.Second {
			t.Errorf("it took %v", took)
		}
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || len(payments.List()) > 0 {
			t.Errorf("%d %s, %v; want nothing charged, and 503 with Retry-After", w.Code, w.Body, payments.List())
		}
	})
}
