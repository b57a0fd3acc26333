package idempotency_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	"github.com/concordhttp/concord/middleware/problem"
)

// client sends the request of one key until it gets a definite answer, each time
// to any server.
func (w *crashWorld) client(key string, nth int) {
	random := w.random(fmt.Sprint(key, " client ", nth))
	between := func(from, to time.Duration) time.Duration { return from + time.Duration(random.Int64N(int64(to-from))) }
	time.Sleep(between(0, 3*time.Second))
	for range 200 {
		w.count(&w.totals.Requests)
		patience := between(2*time.Second, 40*time.Second)
		reply := w.send(w.server(random.IntN(crashServers)), key, between(0, 20*time.Millisecond), patience)
		if reply != nil && w.definite(key, reply) {
			return
		}
		pause := between(100*time.Millisecond, 5*time.Second)
		if reply != nil {
			after, _ := strconv.Atoi(reply.Header().Get("Retry-After"))
			pause += time.Duration(after) * time.Second
		}
		time.Sleep(pause)
	}
	w.t.Errorf("client %d of %s never got a definite answer", nth, key)
}

func (w *crashWorld) count(n *int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*n++
}

// send sends a request, and returns nil if no whole answer comes in time.
func (w *crashWorld) send(s *crashServer, key string, travels, patience time.Duration) *httptest.ResponseRecorder {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://shop.example/charges", strings.NewReader(`{"amount":1}`))
	if err != nil {
		w.t.Error(err)
		return nil
	}
	r.Header.Set("Idempotency-Key", key)
	time.Sleep(travels)
	return s.serve(r)
}

// definite reports whether the client need not ask again, and checks what it got.
func (w *crashWorld) definite(key string, reply *httptest.ResponseRecorder) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := w.key(key)
	switch kind := kindOf(w.t, reply); {
	case kind == problem.KindOutcomeUnknown:
		w.totals.Unknowns++
		k.unknown = true
		return true
	case kind == problem.KindRequestInFlight, reply.Code == http.StatusServiceUnavailable:
		return false
	case reply.Code != http.StatusCreated:
		w.t.Errorf("%s was answered %d %q", key, reply.Code, reply.Body)
		return true
	}
	w.totals.Successes++
	if replayed(reply) {
		w.totals.Replays++
	} else {
		k.first++
	}
	got := fmt.Sprintf("%d %s %s", reply.Code, reply.Header().Get("Location"), reply.Body)
	if k.answer == "" {
		k.answer = got
	}
	if got != k.answer && !w.mayRepeat() {
		w.t.Errorf("%s was answered %q, and before that %q", key, got, k.answer)
	}
	return true
}
