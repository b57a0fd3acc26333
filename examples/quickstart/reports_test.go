package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
)

// ask has n callers, named by user, ask for a report at once, and returns how
// many runs their answers come from.
func ask(h http.Handler, n int, user func(int) string) int {
	answers := make([]*httptest.ResponseRecorder, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			r := httptest.NewRequest("GET", "/reports/documents", http.NoBody)
			if name := user(i); name != "" {
				r.SetBasicAuth(name, "")
			}
			answers[i] = serve(h, r)
		})
	}
	all.Wait()
	runs := map[string]bool{}
	for _, a := range answers {
		runs[a.Header().Get("X-Run")] = true
	}
	return len(runs)
}

func TestReportsThatAreAskedForAtOnceRunOnce(t *testing.T) {
	for _, c := range []struct {
		name string
		user func(int) string
		runs int
	}{
		{"by one caller", func(int) string { return "ann" }, 1},
		{"by two callers", func(i int) string { return []string{"ann", "bob"}[i%2] }, 2},
		{"by nobody that is known", func(int) string { return "" }, readers},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				protected, _ := newProtected(t)
				if runs := ask(protected, readers, c.user); runs != c.runs {
					t.Errorf("%d runs, want %d", runs, c.runs)
				}
				alone, _ := newAlone(t)
				if runs := ask(alone, readers, c.user); runs != readers {
					t.Errorf("%d runs without Concord, want %d", runs, readers)
				}
			})
		})
	}
}

func TestAReportThatNobodyWaitsForIsGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	alone, _ := newAlone(t)
	w := serve(alone, httptest.NewRequestWithContext(ctx, "GET", "/reports/payments", http.NoBody))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestTheReportOnPaymentsIsASumOfEachCurrency(t *testing.T) {
	alone, a := newAlone(t)
	for _, o := range []Order{{1, "EUR"}, {2, "EUR"}, {4, "USD"}} {
		if _, err := a.payments.Charge(o); err != nil {
			t.Fatal(err)
		}
	}
	w := serve(alone, httptest.NewRequest("GET", "/reports/payments", http.NoBody))
	if w.Code != http.StatusOK || w.Body.String() != `{"EUR":3,"USD":4}`+"\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
