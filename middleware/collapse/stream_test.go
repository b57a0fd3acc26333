package collapse_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware/collapse"
)

// streamed is a leader and two followers of a handler that is told what to do
// next, one step at a time.
type streamed struct {
	layer     *collapse.Layer
	handler   http.Handler
	leader    *reply
	followers []*reply
	steps     chan func(http.ResponseWriter, *http.Request)
}

func newStreamed(t *testing.T, c collapse.Config) *streamed {
	t.Helper()
	s := &streamed{layer: layer(t, c), steps: make(chan func(http.ResponseWriter, *http.Request))}
	var once sync.Once
	s.handler = s.layer.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first := false
		once.Do(func() { first = true })
		if !first {
			_, _ = io.WriteString(w, "own")
			return
		}
		for step := range s.steps {
			step(w, r)
		}
	}))
	s.leader = start(s.handler, get("/a"))
	synctest.Wait()
	s.followers = []*reply{start(s.handler, get("/a")), start(s.handler, get("/a"))}
	synctest.Wait()
	return s
}

func (s *streamed) write(text string) {
	s.do(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}

func (s *streamed) flush() {
	s.do(func(w http.ResponseWriter, _ *http.Request) { _ = http.NewResponseController(w).Flush() })
}

func (s *streamed) do(step func(http.ResponseWriter, *http.Request)) {
	s.steps <- step
	synctest.Wait()
}

func TestFollowersReadAlongOnceTheHandlerFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreamed(t, collapse.Config{})
		s.do(func(_ http.ResponseWriter, r *http.Request) { r.Context().Done() })
		s.write("one ")
		assert.Equal(t, 1, s.layer.Runs())
		assert.Empty(t, s.followers[0].Body.String())
		s.flush()
		assert.Zero(t, s.layer.Runs(), "what comes now begins anew")
		for _, f := range s.followers {
			assert.Equal(t, "one ", f.Body.String())
			assert.True(t, f.Flushed)
			assert.True(t, f.underWay())
		}
		start(s.handler, get("/a")).wants(t, 200, "own", "")
		s.write("two ")
		for _, f := range s.followers {
			assert.Equal(t, "one two ", f.Body.String(), "as it is written")
		}
		time.Sleep(time.Hour) // neither MaxRun nor MaxWait counts for a stream
		s.do(func(_ http.ResponseWriter, r *http.Request) { assert.NoError(t, r.Context().Err()) })
		s.write("three")
		s.do(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set(http.TrailerPrefix+"X-Sum", "1") })
		close(s.steps)
		s.leader.wants(t, 200, "one two three", shared)
		for _, f := range s.followers {
			f.wants(t, 200, "one two three", shared)
			assert.Equal(t, "1", f.Header().Get(http.TrailerPrefix+"X-Sum"))
		}
		wantNothingLeft(t, s.layer)
	})
}

func TestFollowersReadAlongIfALargeAnswerSaysHowLargeItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreamed(t, collapse.Config{MaxBody: 10})
		s.do(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "12") })
		s.write("123456789")
		assert.Zero(t, s.layer.Runs())
		s.write("abc")
		assert.Equal(t, "123456789abc", s.followers[0].Body.String())
		close(s.steps)
		s.leader.wants(t, 200, "123456789abc", shared)
		s.followers[1].wants(t, 200, "123456789abc", shared)
	})
}

func TestAnAnswerThatIsTooLargeUnannouncedIsNotShared(t *testing.T) {
	for name, pieces := range map[string][]string{"in pieces": {"123456789", "abc"}, "at once": {"123456789abc"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStreamed(t, collapse.Config{MaxBody: 10})
				for _, piece := range pieces {
					s.write(piece)
				}
				assert.Equal(t, "123456789abc", s.leader.Body.String())
				s.followers[0].wants(t, 200, "own", notShared) // at once: nobody shall be cut off for being slow
				s.followers[1].wants(t, 200, "own", notShared)
				s.flush()
				s.do(func(w http.ResponseWriter, _ *http.Request) {
					_, err := io.Copy(w, strings.NewReader("def"))
					assert.NoError(t, err)
				})
				close(s.steps)
				s.leader.wants(t, 200, "123456789abcdef", "")
				wantNothingLeft(t, s.layer)
			})
		})
	}
}

func TestAStreamThatTheLeaderMayHoldAlreadyIsNotShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		l := layer(t, collapse.Config{})
		h := l.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			<-release
			_, _ = io.WriteString(w, "own")
			_ = http.NewResponseController(w).Flush()
		}))
		leader := start(h, get("/a", "If-None-Match", `"v1"`))
		synctest.Wait()
		follower := start(h, get("/a"))
		synctest.Wait()
		close(release)
		follower.wants(t, 200, "own", notShared)
		leader.wants(t, 200, "own", "")
	})
}

// recovering is a client behind a layer that lets no panic through.
type recovering struct {
	*httptest.ResponseRecorder
	deadline time.Time
}

func (r *recovering) SetWriteDeadline(t time.Time) error {
	r.deadline = t
	return nil
}

func TestWhoRecoversFromABreakOffCannotMakeItLookWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreamed(t, collapse.Config{MaxBody: 10, Uncollapsible: 1})
		client := &recovering{ResponseRecorder: httptest.NewRecorder()}
		follower := &reply{ResponseRecorder: client.ResponseRecorder, done: make(chan struct{})}
		follower.serve(client, s.handler, get("/a"))
		synctest.Wait()
		s.write("one")
		s.flush()
		s.steps <- func(http.ResponseWriter, *http.Request) { panic("oops") }
		<-follower.done
		assert.Equal(t, http.ErrAbortHandler, follower.panicked)
		assert.False(t, client.deadline.IsZero())
		assert.True(t, client.deadline.Before(time.Now()), "the server can send nothing more")
		<-s.leader.done
	})
}

func TestAnAnswerThatOutgrowsTheWindowIsNotShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreamed(t, collapse.Config{MaxBody: 10})
		s.do(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "21") })
		s.write("1")
		s.followers[0].wants(t, 200, "own", notShared) // at once: nobody shall be cut off for being slow
		s.followers[1].wants(t, 200, "own", notShared)
		close(s.steps)
		<-s.leader.done
	})
}

func TestFollowersOfAFlushedHeaderGetItWithTheFirstByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreamed(t, collapse.Config{})
		s.flush()
		assert.False(t, s.followers[0].Flushed)
		s.write("<html>")
		assert.True(t, s.followers[0].Flushed)
		close(s.steps)
		s.followers[1].wants(t, 200, "<html>", shared)
	})
}

func TestLeaderDiesBeforeTheFirstByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreamed(t, collapse.Config{})
		s.flush()
		s.steps <- func(http.ResponseWriter, *http.Request) { panic("oops") }
		s.followers[0].wants(t, 200, "own", notShared)
		s.followers[1].wants(t, 200, "own", notShared)
	})
}

func TestAnAnswerOfJustMaxBodyIsBuffered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreamed(t, collapse.Config{MaxBody: 10})
		s.write("1234567890")
		assert.Equal(t, 1, s.layer.Runs())
		close(s.steps)
		s.followers[0].wants(t, 200, "1234567890", shared)
	})
}

func TestLeaderDiesMidBody(t *testing.T) {
	for name, die := range map[string]func(){
		"panics":           func() { panic("oops") },
		"aborts":           func() { panic(http.ErrAbortHandler) },
		"leaves by Goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStreamed(t, collapse.Config{})
				s.write("one")
				s.flush()
				s.steps <- func(http.ResponseWriter, *http.Request) { die() }
				for _, f := range s.followers {
					<-f.done
					assert.Equal(t, http.ErrAbortHandler, f.panicked, "an answer without its end must not look complete")
				}
				<-s.leader.done
				wantNothingLeft(t, s.layer)
			})
		})
	}
}

// faulty is a client that takes nothing any more.
type faulty struct {
	*httptest.ResponseRecorder
	mu   sync.Mutex
	gone bool
}

func (f *faulty) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gone = true
}

func (f *faulty) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.gone {
		return errors.New("broken pipe")
	}
	return nil
}

func (f *faulty) Write(p []byte) (int, error) {
	if err := f.err(); err != nil {
		return 0, err
	}
	return f.ResponseRecorder.Write(p)
}

func (f *faulty) FlushError() error {
	if err := f.err(); err != nil {
		return err
	}
	f.ResponseRecorder.Flush()
	return nil
}

func TestLeadersClientLeavesAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		l := layer(t, collapse.Config{})
		h := l.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rc := http.NewResponseController(w)
			for i := 0; ; i++ {
				if _, err := fmt.Fprint(w, i%10); err != nil {
					ended <- err
					return
				}
				if err := rc.Flush(); err != nil {
					ended <- err
					return
				}
				select {
				case <-r.Context().Done():
					ended <- context.Cause(r.Context())
					return
				case <-time.After(time.Second):
				}
			}
		}))
		client := &faulty{ResponseRecorder: httptest.NewRecorder()}
		ctx, disconnect := context.WithCancel(t.Context())
		leader := &reply{ResponseRecorder: client.ResponseRecorder, done: make(chan struct{})}
		leader.serve(client, h, get("/a").WithContext(ctx))
		synctest.Wait()
		assert.Zero(t, l.Runs(), "it streams, and nobody waited")
		disconnect()
		require.ErrorContains(t, <-ended, "nobody waits")
		<-leader.done
	})
}

func TestFollowersOutliveTheLeadersClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		steps := make(chan func(http.ResponseWriter, *http.Request))
		l := layer(t, collapse.Config{})
		h := l.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for step := range steps {
				step(w, r)
			}
		}))
		client := &faulty{ResponseRecorder: httptest.NewRecorder()}
		ctx, disconnect := context.WithCancel(t.Context())
		leader := &reply{ResponseRecorder: client.ResponseRecorder, done: make(chan struct{})}
		leader.serve(client, h, get("/a").WithContext(ctx))
		synctest.Wait()
		other, leave := context.WithCancel(t.Context())
		follower, second := start(h, get("/a")), start(h, get("/a").WithContext(other))
		synctest.Wait()
		write := func(text string) (err error) {
			steps <- func(w http.ResponseWriter, _ *http.Request) {
				if _, err = io.WriteString(w, text); err == nil {
					err = http.NewResponseController(w).Flush()
				}
			}
			synctest.Wait()
			return err
		}
		require.NoError(t, write("one "))
		client.leave()
		disconnect()
		synctest.Wait()
		require.NoError(t, write("two "), "others read along")
		assert.Equal(t, "one two ", follower.Body.String())
		leave()
		<-second.done
		assert.Equal(t, http.ErrAbortHandler, second.panicked, "it did not get the end")
		steps <- func(w http.ResponseWriter, r *http.Request) {
			assert.NoError(t, r.Context().Err())
			n, err := w.Write(bytes.Repeat([]byte("x"), 200<<10))
			assert.NoError(t, err)
			assert.Equal(t, 200<<10, n)
		}
		synctest.Wait()
		assert.Equal(t, 8+200<<10, follower.Body.Len())
		close(steps)
		<-follower.done
		<-leader.done
		require.Nil(t, follower.panicked)
	})
}

// slow is a client that takes its first bytes only when it is told to.
type slow struct {
	*httptest.ResponseRecorder
	take chan struct{}
}

func (s slow) Write(p []byte) (int, error) {
	<-s.take
	return s.ResponseRecorder.Write(p)
}

func TestSlowFollowersFallBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		steps := make(chan func(http.ResponseWriter))
		l := layer(t, collapse.Config{MaxBody: 10 << 10})
		first := true
		h := l.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if !first {
				_, _ = io.WriteString(w, "own")
				return
			}
			first = false
			for step := range steps {
				step(w)
			}
		}))
		leader := start(h, get("/a"))
		synctest.Wait()
		client := slow{httptest.NewRecorder(), make(chan struct{})}
		behind := &reply{ResponseRecorder: client.ResponseRecorder, done: make(chan struct{})}
		behind.serve(client, h, get("/a"))
		quick := start(h, get("/a"))
		synctest.Wait()
		piece := strings.Repeat("x", 4<<10)
		for range 20 {
			steps <- func(w http.ResponseWriter) {
				_, _ = io.WriteString(w, piece)
				_ = http.NewResponseController(w).Flush()
			}
			synctest.Wait() // the leader waits for nobody
		}
		assert.Len(t, quick.Body.String(), 80<<10)
		close(client.take)
		<-behind.done
		assert.Equal(t, http.ErrAbortHandler, behind.panicked)
		close(steps)
		quick.wants(t, 200, strings.Repeat(piece, 20), shared)
		leader.wants(t, 200, strings.Repeat(piece, 20), shared)
		wantNothingLeft(t, l)
	})
}

func TestHijackIsNotShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreamed(t, collapse.Config{})
		s.do(func(w http.ResponseWriter, _ *http.Request) {
			_, _, err := http.NewResponseController(w).Hijack()
			assert.ErrorIs(t, err, http.ErrNotSupported)
		})
		assert.Equal(t, 2, s.layer.Waiting(), "nothing happened")
		s.write("one")
		close(s.steps)
		s.followers[0].wants(t, 200, "one", shared)
	})
}

func TestUndeclaredTrailersAreNotShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreamed(t, collapse.Config{})
		s.write("one")
		s.do(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set(http.TrailerPrefix+"X-Sum", "1") })
		close(s.steps)
		s.leader.wants(t, 200, "one", "")
		s.followers[0].wants(t, 200, "own", notShared)
	})
}

func TestEarlyHintsReachTheLeaderAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreamed(t, collapse.Config{})
		s.do(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusEarlyHints) })
		assert.Equal(t, 1, s.layer.Runs(), "which is no beginning of the answer")
		s.write("one")
		close(s.steps)
		s.followers[0].wants(t, 200, "one", shared)
		<-s.leader.done
	})
}

func TestManySmallWritesAreFewChunks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreamed(t, collapse.Config{})
		s.flush()
		var want strings.Builder
		s.do(func(w http.ResponseWriter, _ *http.Request) {
			for i := range 20_000 {
				_, _ = fmt.Fprint(w, i%10)
				fmt.Fprint(&want, i%10)
			}
		})
		s.do(func(w http.ResponseWriter, _ *http.Request) {
			n, err := io.Copy(w, strings.NewReader("the end"))
			assert.NoError(t, err)
			assert.EqualValues(t, 7, n)
		})
		want.WriteString("the end")
		close(s.steps)
		s.followers[0].wants(t, 200, want.String(), shared)
		s.followers[1].wants(t, 200, want.String(), shared)
	})
}
