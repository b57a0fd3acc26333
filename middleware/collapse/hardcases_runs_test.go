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

	"github.com/concordhttp/concord/etag"
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

func TestUncacheableRunsInParallel(t *testing.T) {
	for name, field := range map[string][2]string{
		"Set-Cookie":        {"Set-Cookie", "session=1"},
		"private":           {"Cache-Control", "max-age=60, Private"},
		"private fields":    {"Cache-Control", `private="x-a, x-b"`},
		"no-store":          {"Cache-Control", "no-store"},
		"Vary: *":           {"Vary", "Accept, *"},
		"Vary of a neutral": {"Vary", "user-agent"},
		"trailers":          {"Trailer", "X-Sum"},
	} {
		for _, early := range []bool{true, false} {
			if early && name == "Vary of a neutral" {
				continue // known only for each follower, when the answer is there
			}
			t.Run(fmt.Sprintf("%s, early %t", name, early), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var runs, together atomic.Int64
					release, all := make(chan struct{}), make(chan struct{})
					l := layer(t, collapse.Config{})
					h := l.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
						w.Header().Set(field[0], field[1])
						if runs.Add(1) == 1 {
							<-release
							if early {
								_, _ = io.WriteString(w, "whole")
								<-all
							}
						} else {
							if together.Add(1) == 3 {
								close(all)
							}
							<-all
						}
						if !early {
							_, _ = io.WriteString(w, "whole")
						}
					}))
					start(h, get("/a", "User-Agent", "0"))
					synctest.Wait()
					var followers []*reply
					for _, agent := range []string{"1", "2", "3"} {
						followers = append(followers, start(h, get("/a", "User-Agent", agent)))
						synctest.Wait()
					}
					close(release)
					for _, f := range followers {
						f.wants(t, 200, map[bool]string{false: "whole"}[early], notShared)
					}
					assert.EqualValues(t, 4, runs.Load())

					assert.Equal(t, 1, l.Marks())
					again := start(h, get("/a", "User-Agent", "0"))
					assert.Zero(t, l.Waiting(), "nobody waits for what cannot be shared")
					<-again.done
					assert.Empty(t, again.Header().Get("Cache-Status"), "nothing was tried")
					wantNothingLeft(t, l)
				})
			})
		}
	}
}

func TestUncollapsibleIsForgottenAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newReport()
		s.answer = func(w http.ResponseWriter, _ *http.Request, run int64) {
			if run == 1 {
				w.Header().Set("Cache-Control", "private")
			}
			_, _ = fmt.Fprintf(w, "run %d", run)
		}
		l := layer(t, collapse.Config{Uncollapsible: time.Second})
		h := l.Handler(s)
		a, b := start(h, get("/a")), start(h, get("/a"))
		synctest.Wait()
		close(s.release)
		<-a.done
		<-b.done
		require.Equal(t, 1, l.Marks())
		s.release = make(chan struct{})
		time.Sleep(time.Second - 1)
		c, d := start(h, get("/a")), start(h, get("/a"))
		synctest.Wait()
		require.Zero(t, l.Runs())
		require.EqualValues(t, 4, s.runs.Load())
		time.Sleep(1)
		e, f := start(h, get("/a")), start(h, get("/a"))
		synctest.Wait()
		assert.Equal(t, 1, l.Runs())
		assert.Zero(t, l.Marks())
		close(s.release)
		for _, p := range []*reply{c, d, e, f} {
			<-p.done
		}
		assert.EqualValues(t, 5, s.runs.Load())
	})
}

func TestHeadersAreCopied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newReport()
		lines := []string{"1", "2"}
		s.answer = func(w http.ResponseWriter, _ *http.Request, _ int64) {
			w.Header()["X-Lines"] = lines
			w.Header().Set("Connection", "close, X-Hop")
			w.Header().Set("X-Hop", "1")
			w.Header().Set("X-Outer", "changed")
			w.Header().Del("X-Gone")
		}
		inner := layer(t, collapse.Config{}).Handler(s)
		var n atomic.Int64
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Request-Id", fmt.Sprint(n.Add(1)))
			w.Header().Set("X-Outer", "1")
			w.Header().Set("X-Gone", "1")
			inner.ServeHTTP(w, r)
			w.Header().Add("X-Lines", "mine") // as anybody outside may: it must reach nobody else
			w.Header()["X-Lines"][2] += r.Header.Get("User-Agent")
			if w.Header().Get("X-Request-Id") == "1" {
				lines[0] = "the leader's alone"
			}
		})
		var replies []*reply
		for i := range 5 {
			replies = append(replies, start(h, get("/a", "User-Agent", fmt.Sprint(i))))
			synctest.Wait()
		}
		close(s.release)
		for i, p := range replies {
			<-p.done
			got := p.Header()
			assert.Equal(t, []string{"1", "2", fmt.Sprint("mine", i)}, got["X-Lines"], i)
			assert.Equal(t, fmt.Sprint(i+1), got.Get("X-Request-Id"), "what is set outside stays each one's own")
			assert.Equal(t, "changed", got.Get("X-Outer"))
			assert.NotContains(t, got, "X-Gone")
			if i > 0 {
				assert.NotContains(t, got, "Connection")
				assert.NotContains(t, got, "X-Hop")
			}
		}
		assert.Equal(t, []string{"the leader's alone", "2"}, lines)
	})
}

func TestReadYourWrites(t *testing.T) {
	for name, die := range map[string]bool{"a write that returns": false, "one that panics": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var value atomic.Int64
				release, writing := make(chan struct{}), make(chan struct{})
				l := layer(t, collapse.Config{})
				h := l.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method != http.MethodGet {
						r.URL.Path = "/elsewhere" // as routers do
						<-writing
						value.Add(1)
						if die {
							panic("after the write")
						}
						return
					}
					read := value.Load()
					<-release
					_, _ = fmt.Fprint(w, read)
				}))
				before := start(h, get("/a"))
				other := start(h, get("/b"))
				synctest.Wait()
				write := start(h, request("PUT", "/x/..//a")) // another spelling of one resource
				synctest.Wait()
				during := start(h, get("/a"))
				synctest.Wait()
				assert.Equal(t, 1, l.Waiting(), "nothing was written yet")
				close(writing)
				<-write.done
				after := start(h, get("/a"))
				synctest.Wait()
				second := start(h, get("/a"))
				otherToo := start(h, get("/b"))
				synctest.Wait()
				close(release)
				before.wants(t, 200, "0", shared)
				during.wants(t, 200, "0", shared)
				after.wants(t, 200, "1", shared)
				second.wants(t, 200, "1", shared)
				other.wants(t, 200, "0", shared)
				otherToo.wants(t, 200, "0", shared)
				wantNothingLeft(t, l)
			})
		})
	}
}

func TestSafeMethodsEndNoSharing(t *testing.T) {
	for _, method := range []string{"OPTIONS", "TRACE", "HEAD", "QUERY", "PROPFIND", "REPORT", "SEARCH"} {
		assert.EqualValues(t, 2, together(t, collapse.Config{}, get("/a"), request(method, "/a"), get("/a")), method)
	}
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "LOCK", "MKCOL", "get"} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newReport()
				h := layer(t, collapse.Config{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodGet {
						s.ServeHTTP(w, r)
					}
				}))
				a := start(h, get("/a"))
				synctest.Wait()
				<-start(h, request(method, "/a")).done
				b := start(h, get("/a"))
				synctest.Wait()
				close(s.release)
				<-a.done
				<-b.done
				assert.EqualValues(t, 2, s.runs.Load())
			})
		})
	}
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

func TestLeaderNotModified(t *testing.T) {
	tags, err := etag.New(etag.Config{})
	require.NoError(t, err)
	first := map[string]string{}
	{
		w := start(tags.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "run 1") })), get("/a"))
		<-w.done
		first["If-None-Match"] = w.Header().Get("ETag")
	}
	for name, own := range map[string]bool{"a tag that is generated": false, "the handler's own tag": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newReport()
				tag := first["If-None-Match"]
				s.answer = func(w http.ResponseWriter, r *http.Request, run int64) {
					assert.Empty(t, r.Header.Get("If-None-Match"), "the shared run carries no condition")
					assert.Empty(t, r.Header.Get("If-Modified-Since"))
					if own {
						w.Header().Set("ETag", tag)
					}
					_, _ = fmt.Fprintf(w, "run %d", run)
				}
				l := layer(t, collapse.Config{})
				h := tags.Conditions(l.Handler(tags.Generate(s)))
				holds := func(tag string) *http.Request { return get("/a", "If-None-Match", tag) }
				leader := start(h, holds(tag))
				synctest.Wait()
				bare, same, stale := start(h, get("/a")), start(h, holds(tag)), start(h, holds(`"stale"`))
				synctest.Wait()
				close(s.release)
				leader.wants(t, 304, "", shared)
				bare.wants(t, 200, "run 1", shared)
				same.wants(t, 304, "", shared)
				stale.wants(t, 200, "run 1", shared)
				assert.Equal(t, tag, bare.Header().Get("ETag"), "one hash for all")
				assert.EqualValues(t, 1, s.runs.Load())
				wantNothingLeft(t, l)
			})
		})
	}
	t.Run("a 304 that the handler gives on its own", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newReport()
			s.answer = func(w http.ResponseWriter, _ *http.Request, _ int64) { w.WriteHeader(http.StatusNotModified) }
			h := layer(t, collapse.Config{}).Handler(s)
			a, b := start(h, get("/a")), start(h, get("/a"))
			synctest.Wait()
			close(s.release)
			<-a.done
			<-b.done
			assert.EqualValues(t, 2, s.runs.Load())
		})
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
		assert.Equal(t, 503, left.Code, "in case that somebody still listens, it is no empty success")
		assert.Contains(t, left.Body.String(), `"status":503`)
		time.Sleep(time.Second)
		synctest.Wait()
		assert.EqualValues(t, 2, s.runs.Load())
		close(s.release)
		late.wants(t, 504, "too late", notShared)
		<-leader.done
		assert.Empty(t, leader.Header().Get("Cache-Status"))
	})
}

func TestErrorsAreAnswers(t *testing.T) {
	for _, status := range []int{204, 301, 404, 500, 503} {
		synctest.Test(t, func(t *testing.T) {
			s := newReport()
			s.answer = func(w http.ResponseWriter, _ *http.Request, _ int64) { w.WriteHeader(status) }
			h := layer(t, collapse.Config{}).Handler(s)
			a := start(h, get("/a"))
			synctest.Wait()
			b := start(h, get("/a"))
			synctest.Wait()
			close(s.release)
			a.wants(t, status, "", shared)
			b.wants(t, status, "", shared)
		})
	}
}

func TestCacheStatusIsAppended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newReport()
		s.answer = func(w http.ResponseWriter, r *http.Request, _ int64) {
			w.Header().Set("Cache-Status", "origin; hit")
			w.Header().Set("Vary", "User-Agent")
			r.Pattern = "GET /a"
		}
		h := layer(t, collapse.Config{}).Handler(s)
		a := start(h, get("/a", "User-Agent", "1"))
		synctest.Wait()
		r := get("/a", "User-Agent", "1")
		b, c := start(h, r), start(h, get("/a"))
		synctest.Wait()
		close(s.release)
		<-a.done
		<-b.done
		<-c.done
		assert.Equal(t, []string{"origin; hit", shared}, a.Header()["Cache-Status"])
		assert.Equal(t, []string{"origin; hit", shared}, b.Header()["Cache-Status"])
		assert.Equal(t, []string{"origin; hit", notShared}, c.Header()["Cache-Status"])
		assert.Equal(t, "GET /a", r.Pattern, "for a metric by route")
	})
}
