package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// maxSlow is how long a request may ask to be kept waiting.
const maxSlow = 10 * time.Second

// A fault is what a request asks to go wrong with it, to see what becomes of it
// and of its retry: ?slow=2s, and ?fail=500, panic, large or store.
type fault struct {
	slow time.Duration
	fail string
}

// readFault returns the fault that r asks for. Its error is a *requestError.
func readFault(r *http.Request) (fault, error) {
	query := r.URL.Query()
	f := fault{fail: query.Get("fail")}
	if slow := query.Get("slow"); slow != "" {
		var err error
		if f.slow, err = time.ParseDuration(slow); err != nil || f.slow < 0 || f.slow > maxSlow {
			return fault{}, &requestError{http.StatusBadRequest, fmt.Sprintf("slow is a duration such as 2s, of at most %v", maxSlow)}
		}
	}
	switch f.fail {
	case "", "500", "panic", "large", "store":
		return f, nil
	}
	return fault{}, &requestError{http.StatusBadRequest, "fail is 500, panic, large or store"}
}

// wait takes as long as the request asked for. It stops and reports false when
// ctx ends.
func (f fault) wait(ctx context.Context) bool {
	timer := time.NewTimer(f.slow)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// tooSlow answers a request that was given up before it did anything, so that it
// can be sent again.
func tooSlow(w http.ResponseWriter, text string) error {
	w.Header().Set("Retry-After", "1")
	http.Error(w, text, http.StatusServiceUnavailable)
	return nil
}

// strike goes wrong after the work was done: the worst moment there is.
func (f fault) strike() error {
	switch f.fail {
	case "500":
		return errors.New("the request asked for ?fail=500")
	case "panic":
		// A panic like any other, but that net/http prints no stack for it.
		panic(http.ErrAbortHandler)
	}
	return nil
}
