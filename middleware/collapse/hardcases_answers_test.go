package collapse_test

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/middleware/collapse"
)

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

func TestFieldsOfAnswersCountInEitherCase(t *testing.T) {
	for _, f := range [][2]string{
		{"set-cookie", "session=secret"}, {"SET-COOKIE", "session=secret"}, {"cache-control", "private"},
		{"trailer", "X-Sum"}, {"vary", "*"}, {"vary", "User-Agent"},
	} {
		t.Run(f[0]+": "+f[1], func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newReport()
				s.answer = func(w http.ResponseWriter, _ *http.Request, _ int64) {
					w.Header()[f[0]] = []string{f[1]}
					w.Header()["Vary"] = []string{"Accept"}
				}
				h := layer(t, collapse.Config{}).Handler(s)
				leader := start(h, get("/a", "User-Agent", "1"))
				synctest.Wait()
				follower := start(h, get("/a", "User-Agent", "2"))
				synctest.Wait()
				close(s.release)
				<-leader.done
				<-follower.done
				assert.EqualValues(t, 2, s.runs.Load())
			})
		})
	}
}
