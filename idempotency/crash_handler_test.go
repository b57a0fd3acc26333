package idempotency_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// crashRun is one run of the handler.
type crashRun struct {
	s   *crashServer
	key string
	nth int
}

// begin notes that the handler runs, alone.
func (s *crashServer) begin(key string) *crashRun {
	w := s.w
	w.mu.Lock()
	defer w.mu.Unlock()
	k := w.key(key)
	k.runs++
	run := &crashRun{s, key, k.runs}
	if s.isOff() {
		return run // it only seems to
	}
	for other := range k.running {
		w.t.Errorf("%s runs on %s while it still does on %s", key, s.name, other.s.name)
	}
	k.running[run] = true
	return run
}

func (run *crashRun) end() {
	w := run.s.w
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.keys[run.key].running, run)
}

// effect does what the request is for, and returns a number that no other run
// gets.
func (run *crashRun) effect(ctx context.Context) (number int64, err error) {
	if run.s.w.mode.transactional {
		u := txLedger(ctx)
		if err := run.s.travel(ctx, noPoint); err != nil {
			u.abort()
			return 0, err
		}
		return u.enter(run.key)
	}
	w := run.s.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if run.s.isOff() || ctx.Err() != nil {
		return 0, errPower
	}
	k := w.key(run.key)
	k.effects++
	return int64(k.effects), nil
}

// charge is the handler. It stops when its context ends.
func (s *crashServer) charge(w http.ResponseWriter, r *http.Request) {
	if s.powered() != nil {
		return
	}
	ctx := r.Context()
	run := s.begin(r.Header.Get("Idempotency-Key"))
	defer run.end()
	random := s.w.random(fmt.Sprint(run.key, " run ", run.nth))
	long := func() time.Duration {
		if random.IntN(3) > 0 {
			return time.Duration(random.Int64N(int64(500 * time.Millisecond)))
		}
		return time.Duration(random.Int64N(int64(20 * time.Second)))
	}
	rested := s.rest(ctx, long())
	kind := random.IntN(10)
	if s.pass(midHandler) != nil || !rested || kind < 3 && run.nth < 3 { // nothing was done
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	number, err := run.effect(ctx)
	if err != nil && kind < 8 { // else it does not look
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	reply, _ := r.Context().Value(crashReplyKey{}).(*crashReply)
	reply.charged = true
	defer func() { reply.ended = true }()
	if s.pass(afterEffect) != nil || !s.rest(ctx, long()) { // who can say how it went?
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	switch {
	case kind == 9:
		panic(http.ErrAbortHandler)
	case kind == 7 && run.nth < 4 && s.w.mode.transactional: // it thinks better of it, and is rolled back
		reply.charged = false
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Location", fmt.Sprintf("/charges/%d", number))
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, "charge %d of %s", number, run.key)
	if kind == 8 {
		_ = http.NewResponseController(w).Flush()
		if !s.rest(ctx, time.Second) {
			return
		}
	}
	_, _ = w.Write([]byte(strings.Repeat(".", random.IntN(100))))
}
