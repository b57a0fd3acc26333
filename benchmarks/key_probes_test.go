package main

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// charges counts its runs, and says which one an answer is from.
func charges(status int, fields ...string) (s script, runs *atomic.Int64) {
	runs = new(atomic.Int64)
	return script{run: func(context.Context, string) answer {
		a := answer{status: status, header: make(http.Header)}
		a.body = fmt.Appendf(nil, "charge %d", runs.Add(1))
		for i := 0; i < len(fields); i += 2 {
			a.header.Set(fields[i], fields[i+1])
		}
		return a
	}}, runs
}

var keyProbes = map[string]probe{
	"of ten at once with one key, one runs": tenAtOnce,
	"a replay says that it is one": func(t *testing.T, who string) bool {
		s, _ := charges(http.StatusCreated)
		first, second := twice(t, behind(t, who, s), pay("10"), pay("10"))
		require.Equal(t, first.body, second.body)
		for name := range second.header {
			if first.header.Get(name) == "" {
				return true
			}
		}
		return false
	},
	"the key with another body is refused": refusesSecond(pay("20")),
	"the key on another path is refused": refusesSecond(func() ask {
		a := pay("10")
		a.path = "/refunds"
		return a
	}()),
	"the key of another caller is another key": func(t *testing.T, who string) bool {
		s, runs := charges(http.StatusCreated)
		twice(t, behind(t, who, s), pay("10", "Authorization: Bearer of-ann"), pay("10", "Authorization: Bearer of-bob"))
		return runs.Load() == 2
	},
	"Set-Cookie is not replayed": func(t *testing.T, who string) bool {
		s, runs := charges(http.StatusCreated, "Set-Cookie", "session=1")
		first, second := twice(t, behind(t, who, s), pay("10"), pay("10"))
		require.NotEmpty(t, first.header.Get("Set-Cookie"))
		require.EqualValues(t, 1, runs.Load())
		return second.header.Get("Set-Cookie") == ""
	},
	"an answer of 429 leaves the key free": func(t *testing.T, who string) bool {
		s, runs := charges(http.StatusTooManyRequests)
		twice(t, behind(t, who, s), pay("10"), pay("10"))
		return runs.Load() == 2
	},
	"a handler that panicked is not run again": func(t *testing.T, who string) bool {
		s, runs := charges(http.StatusCreated)
		charge := s.run
		s.run = func(ctx context.Context, method string) answer {
			charge(ctx, method)
			panic("after the charge")
		}
		service := behind(t, who, s)
		for range 2 {
			func() {
				defer func() { _ = recover() }()
				service.answers(t.Context(), pay("10"))
			}()
		}
		return runs.Load() == 1
	},
	"a key that is no UUID is not a 500": func(t *testing.T, who string) bool {
		s, _ := charges(http.StatusCreated)
		a := asking(http.MethodPost, payments, keyField+`: "order-17"`)
		return behind(t, who, s).answers(t.Context(), a).status < http.StatusInternalServerError
	},
}

func twice(t *testing.T, s service, one, other ask) (first, second answer) {
	t.Helper()
	return s.answers(t.Context(), one), s.answers(t.Context(), other)
}

// refusesSecond tells whether a request is refused that comes with the key of
// another one, whose answer it must not be given.
func refusesSecond(other ask) probe {
	return func(t *testing.T, who string) bool {
		s, runs := charges(http.StatusCreated)
		first, second := twice(t, behind(t, who, s), pay("10"), other)
		require.Equal(t, http.StatusCreated, first.status)
		return second.status >= http.StatusBadRequest && runs.Load() == 1
	}
}

// tenAtOnce begins ten together; the first to run gives way to the others many
// times before it ends.
func tenAtOnce(t *testing.T, who string) bool {
	s, runs := charges(http.StatusCreated)
	charge := s.run
	s.run = func(ctx context.Context, method string) answer {
		a := charge(ctx, method)
		for range 10_000 {
			runtime.Gosched()
		}
		return a
	}
	service := behind(t, who, s)
	var done sync.WaitGroup
	begin := make(chan struct{})
	for range 10 {
		done.Go(func() {
			<-begin
			service.answers(t.Context(), pay("10"))
		})
	}
	close(begin)
	done.Wait()
	return runs.Load() == 1
}
