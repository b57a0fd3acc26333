package collapse_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware/collapse"
)

func TestLeaderDisconnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newReport()
		var ended error
		s.answer = func(w http.ResponseWriter, r *http.Request, _ int64) {
			ended = r.Context().Err()
			_, _ = io.WriteString(w, "whole")
		}
		l := layer(t, collapse.Config{})
		h := l.Handler(s)
		ctx, disconnect := context.WithCancel(t.Context())
		leader := start(h, get("/a").WithContext(ctx))
		synctest.Wait()
		follower := start(h, get("/a"))
		synctest.Wait()
		disconnect()
		synctest.Wait()
		late := start(h, get("/a"))
		synctest.Wait()
		assert.Equal(t, 2, l.Waiting())
		close(s.release)
		follower.wants(t, 200, "whole", shared)
		late.wants(t, 200, "whole", shared)
		<-leader.done
		require.NoError(t, ended, "the handler's context outlives the client of the leader")
		assert.EqualValues(t, 1, s.runs.Load())
		wantNothingLeft(t, l)
	})
}

func TestLateJoinerOfCancelledRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int64
		l := layer(t, collapse.Config{})
		linger := make(chan struct{})
		h := l.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if runs.Add(1) > 1 {
				_, _ = io.WriteString(w, "whole")
				return
			}
			<-r.Context().Done()
			assert.Equal(t, context.Canceled, r.Context().Err())
			<-linger
			http.Error(w, "cancelled", http.StatusInternalServerError)
		}))
		ctx, disconnect := context.WithCancel(t.Context())
		leader := start(h, get("/a").WithContext(ctx))
		synctest.Wait()
		follower := start(h, get("/a").WithContext(ctx)) // as gone as the leader
		synctest.Wait()
		disconnect()
		synctest.Wait()
		<-follower.done
		assert.Zero(t, l.Runs(), "removed before it was cancelled")
		start(h, get("/a")).wants(t, 200, "whole", "")
		close(linger)
		<-leader.done
		wantNothingLeft(t, l)
	})
}

func TestLastFollowerOfALostLeaderEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cause error
		l := layer(t, collapse.Config{})
		h := l.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			cause = context.Cause(r.Context())
		}))
		ctx, disconnect := context.WithCancel(t.Context())
		leader := start(h, get("/a").WithContext(ctx))
		synctest.Wait()
		other, leave := context.WithCancel(t.Context())
		follower := start(h, get("/a").WithContext(other))
		synctest.Wait()
		disconnect()
		synctest.Wait()
		assert.True(t, leader.underWay(), "somebody waits")
		leave()
		<-follower.done
		<-leader.done
		require.ErrorContains(t, cause, "nobody waits")
		wantNothingLeft(t, l)
	})
}

// dies answers the first request in a way that is no answer, and the others.
func dies(release chan struct{}, die func()) (http.Handler, *atomic.Int64) {
	var runs, together atomic.Int64
	all := make(chan struct{})
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if runs.Add(1) == 1 {
			<-release
			die()
		}
		if together.Add(1) == 3 {
			close(all) // the three that waited run at the same time
		}
		<-all
		_, _ = io.WriteString(w, "own")
	}), &runs
}

func TestLeaderPanics(t *testing.T) {
	for name, value := range map[string]any{"a panic": "oops", "ErrAbortHandler": http.ErrAbortHandler} {
		t.Run(name, func(t *testing.T) { leaderDies(t, func() { panic(value) }, value) })
	}
}

func TestLeaderGoexits(t *testing.T) { leaderDies(t, runtime.Goexit, nil) }

func leaderDies(t *testing.T, die func(), value any) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s, runs := dies(release, die)
		l := layer(t, collapse.Config{})
		h := l.Handler(s)
		leader := start(h, get("/a"))
		synctest.Wait()
		followers := []*reply{start(h, get("/a")), start(h, get("/a")), start(h, get("/a"))}
		synctest.Wait()
		close(release)
		for _, f := range followers {
			f.wants(t, 200, "own", notShared)
		}
		<-leader.done
		assert.Equal(t, value, leader.panicked, "what the leader died of stays the leader's")
		assert.Equal(t, value == nil, leader.exited)
		assert.EqualValues(t, 4, runs.Load())
		assert.Zero(t, l.Marks(), "the next ones share again")
		wantNothingLeft(t, l)
	})
}

func TestStalledUpstream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newReport()
		var cause error
		s.answer = func(w http.ResponseWriter, r *http.Request, run int64) {
			if run == 1 {
				cause = context.Cause(r.Context())
			}
			_, _ = fmt.Fprintf(w, "run %d", run)
		}
		l := layer(t, collapse.Config{MaxWait: 10 * time.Second, MaxRun: time.Minute})
		h := l.Handler(s)
		began := time.Now()
		stuck := start(h, get("/a"))
		synctest.Wait()
		const crowd = 100
		waited := make(chan time.Duration, crowd)
		s2 := s.release
		go func() {
			time.Sleep(10 * time.Second)
			synctest.Wait()
			close(s2)
		}()
		for range crowd {
			go func() {
				from := time.Now()
				h.ServeHTTP(&nowhere{http.Header{}}, get("/a"))
				waited <- time.Since(from)
			}()
		}
		for range crowd {
			assert.Equal(t, 10*time.Second, <-waited)
		}
		assert.EqualValues(t, 101, s.runs.Load())
		assert.Equal(t, 10*time.Second, time.Since(began))
		<-stuck.done
		require.NoError(t, cause)
	})
}

func TestStalledUpstreamIsLeftToItself(t *testing.T) {
	for name, asks := range map[string]bool{"a handler that looks at its context": true, "one that does not": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var runs atomic.Int64
				var cause error
				hang := make(chan struct{})
				l := layer(t, collapse.Config{})
				h := l.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if runs.Add(1) > 1 {
						_, _ = io.WriteString(w, "fine")
						return
					}
					if asks {
						<-r.Context().Done()
						cause = context.Cause(r.Context())
					}
					<-hang
				}))
				stuck := start(h, get("/a"))
				time.Sleep(collapse.DefaultMaxRun - time.Second)
				synctest.Wait()
				assert.Equal(t, 1, l.Runs())
				follower := start(h, get("/a"))
				synctest.Wait()
				joined := time.Now()
				time.Sleep(time.Second)
				synctest.Wait()
				start(h, get("/a")).wants(t, 200, "fine", "")
				follower.wants(t, 200, "fine", notShared)
				if asks {
					assert.Equal(t, time.Second, time.Since(joined), "what the handler says when it is stopped is nobody else's answer")
				} else {
					assert.Equal(t, collapse.DefaultMaxWait, time.Since(joined))
				}
				close(hang)
				<-stuck.done
				if asks {
					require.ErrorIs(t, cause, context.DeadlineExceeded)
				}
				wantNothingLeft(t, l)
			})
		})
	}
}

func TestAbortedFollowersFreeTheirSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newReport()
		l := layer(t, collapse.Config{MaxFollowers: 100})
		h := l.Handler(s)
		leader := start(h, get("/a"))
		synctest.Wait()
		for range 100 {
			ctx, abort := context.WithCancel(t.Context())
			var gone sync.WaitGroup
			for range 100 {
				gone.Go(func() { h.ServeHTTP(&nowhere{http.Header{}}, get("/a").WithContext(ctx)) })
			}
			synctest.Wait()
			assert.Equal(t, 100, l.Waiting())
			abort()
			gone.Wait()
		}
		assert.EqualValues(t, 1, s.runs.Load(), "nothing is run for a client that is gone")
		assert.Zero(t, l.Waiting())
		assert.Equal(t, 1, l.Runs())
		follower := start(h, get("/a"))
		synctest.Wait()
		close(s.release)
		leader.wants(t, 200, "run 1", shared)
		follower.wants(t, 200, "run 1", shared)
		wantNothingLeft(t, l)
	}) // which fails if a goroutine is left
}

// A framework gives its objects to the next request once ServeHTTP returned.
func TestFrameworkContextIsNotReused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newReport()
		s.answer = func(w http.ResponseWriter, r *http.Request, _ int64) {
			r.Header["X-A"][0] = "changed" // a handler's own business
			r.Header.Set("X-B", "2")
			w.Header().Set("Vary", "User-Agent")
			_, _ = io.WriteString(w, "whole")
		}
		l := layer(t, collapse.Config{})
		collapsing := l.Handler(s)
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			collapsing.ServeHTTP(w, r)
			// From here on everything is somebody else's. The race detector
			// sees who still looks.
			r.Method, r.Host, r.RequestURI = "X", "x", "x"
			r.URL.Path, r.URL.RawQuery = "x", "x"
			for name := range r.Header {
				r.Header[name] = []string{"x"}
			}
			for name := range w.Header() {
				w.Header()[name] = []string{"x"}
			}
		})
		ctx, disconnect := context.WithCancel(t.Context())
		var replies []*reply
		for i := range 20 {
			r := get("/a", "X-A", "1")
			if i%3 == 0 {
				r = r.WithContext(ctx)
			}
			replies = append(replies, start(h, r))
			if i == 0 || i == 10 {
				synctest.Wait()
			}
		}
		disconnect()
		synctest.Wait()
		close(s.release)
		for i, p := range replies {
			<-p.done
			if i%3 != 0 {
				assert.Equal(t, "whole", p.Body.String())
			}
		}
		assert.EqualValues(t, 1, s.runs.Load())
	})
}

func TestMaxFollowers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newReport()
		h := layer(t, collapse.Config{MaxFollowers: 1}).Handler(s)
		a := start(h, get("/a"))
		synctest.Wait()
		b := start(h, get("/a"))
		synctest.Wait()
		c := start(h, get("/a"))
		synctest.Wait()
		close(s.release)
		a.wants(t, 200, "run 1", shared)
		b.wants(t, 200, "run 1", shared)
		c.wants(t, 200, "run 2", notShared)
	})
}

func TestFollowersDeadlinePasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newReport()
		s.answer = func(w http.ResponseWriter, r *http.Request, _ int64) {
			if errors.Is(r.Context().Err(), context.DeadlineExceeded) {
				w.WriteHeader(http.StatusGatewayTimeout)
				_, _ = io.WriteString(w, "too late")
			}
		}
		l := layer(t, collapse.Config{})
		h := l.Handler(s)
		leader := start(h, get("/a"))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		late := start(h, get("/a").WithContext(ctx))
		gone, disconnect := context.WithCancel(t.Context())
		left := start(h, get("/a").WithContext(gone))
		synctest.Wait()
		disconnect()
		<-left.done
		assert.Equal(t, 409, left.Code, "in case that somebody still listens, it is no empty success")
		assert.Contains(t, left.Body.String(), `"status":409`)
		assert.Contains(t, left.Body.String(), "resource-busy")
		assert.Equal(t, "1", left.Header().Get("Retry-After"))
		time.Sleep(time.Second)
		synctest.Wait()
		assert.EqualValues(t, 2, s.runs.Load())
		close(s.release)
		late.wants(t, 504, "too late", notShared)
		<-leader.done
		assert.Empty(t, leader.Header().Get("Cache-Status"))
	})
}
