package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// slow is a script whose reads wait until they are let go, with what happens to
// them then.
type slow struct {
	script
	runs atomic.Int64
	goOn chan struct{}
}

// newSlow answers the nth run with what answers returns.
func newSlow(answers func(ctx context.Context, run int64) answer) *slow {
	s := &slow{goOn: make(chan struct{})}
	s.run = func(ctx context.Context, method string) answer {
		if method != http.MethodGet {
			return answer{status: http.StatusNoContent}
		}
		n := s.runs.Add(1)
		select {
		case <-s.goOn:
			return answers(ctx, n)
		case <-ctx.Done():
			return answer{status: http.StatusServiceUnavailable}
		}
	}
	return s
}

func numbered(_ context.Context, run int64) answer {
	return answer{status: http.StatusOK, body: fmt.Append(nil, run)}
}

// scene is a bubble with a slow script behind a contender.
type scene struct {
	t *testing.T
	*slow
	service service
	done    sync.WaitGroup
}

// act is a probe that is played in a bubble.
func act(answers func(context.Context, int64) answer, play func(*scene) bool) probe {
	return func(t *testing.T, who string) (held bool) {
		synctest.Test(t, func(t *testing.T) {
			s := &scene{t: t, slow: newSlow(answers)}
			s.service = behind(t, who, s.script)
			held = play(s)
		})
		return held
	}
}

// begins sends a request, and returns once nothing moves any more. The answer is
// there when the scene is over; a status of 0 is a panic.
func (s *scene) begins(ctx context.Context, a ask) *answer {
	got := new(answer)
	s.done.Go(func() {
		defer func() { _ = recover() }()
		*got = s.service.answers(ctx, a)
	})
	synctest.Wait()
	return got
}

// ends lets all go on, and waits for them.
func (s *scene) ends() {
	close(s.goOn)
	s.done.Wait()
}

var shareProbes = map[string]probe{
	"a hundred are one run": act(numbered, func(s *scene) bool {
		for range 100 {
			s.begins(s.t.Context(), get())
		}
		s.ends()
		return s.runs.Load() == 1
	}),
	"callers with other credentials do not share": act(numbered, func(s *scene) bool {
		ann := s.begins(s.t.Context(), get("Authorization: Bearer of-ann"))
		bob := s.begins(s.t.Context(), get("Authorization: Bearer of-bob"))
		s.ends()
		return string(ann.body) != string(bob.body)
	}),
	"an answer with Set-Cookie is not shared": act(
		func(_ context.Context, run int64) answer {
			return answer{status: http.StatusOK, header: http.Header{"Set-Cookie": {fmt.Sprint("session=", run)}}}
		},
		func(s *scene) bool {
			one, other := s.begins(s.t.Context(), get()), s.begins(s.t.Context(), get())
			s.ends()
			return one.header.Get("Set-Cookie") != other.header.Get("Set-Cookie")
		}),
	"who leaves does not wait": act(numbered, func(s *scene) bool {
		s.begins(s.t.Context(), get())
		ctx, leave := context.WithCancel(s.t.Context())
		var gone atomic.Bool
		s.done.Go(func() {
			s.service.answers(ctx, get())
			gone.Store(true)
		})
		synctest.Wait()
		leave()
		synctest.Wait()
		held := gone.Load()
		s.ends()
		return held
	}),
	"the others get their answer if the first one leaves": act(numbered, func(s *scene) bool {
		ctx, leave := context.WithCancel(s.t.Context())
		s.begins(ctx, get())
		other := s.begins(s.t.Context(), get())
		leave()
		synctest.Wait()
		s.ends()
		return other.status == http.StatusOK
	}),
	"the others get their answer if the first run panics": act(
		func(ctx context.Context, run int64) answer {
			if run == 1 {
				panic("the first")
			}
			return numbered(ctx, run)
		},
		func(s *scene) bool {
			s.begins(s.t.Context(), get())
			other := s.begins(s.t.Context(), get())
			s.ends()
			return other.status == http.StatusOK
		}),
	"a read after a write does not join a run from before": act(numbered, func(s *scene) bool {
		s.begins(s.t.Context(), get())
		s.begins(s.t.Context(), put())
		s.begins(s.t.Context(), get())
		held := s.runs.Load() == 2
		s.ends()
		return held
	}),
}
