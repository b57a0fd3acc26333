package etag_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/problem"
)

// served is a shelf behind a whole Stack, on real connections. Before it answers, a
// request can be cut off.
func served(t *testing.T, doc string, cut func(*http.Request) bool) (*shelf, *httptest.Server) {
	t.Helper()
	s := &shelf{t: t, doc: doc}
	c := concord.Config{Principal: concord.DangerouslyShared}
	c.ETag.Require = func(*http.Request) bool { return true }
	stack, err := concord.New(c)
	require.NoError(t, err)
	inner := stack.Handler(http.HandlerFunc(s.serve))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cut != nil && cut(r) {
			inner.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		inner.ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return s, server
}

// TestManyUpdatesLoseNothing: as many clients as there are count one up each, on a
// network that delays every request as it likes.
func TestManyUpdatesLoseNothing(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, `{"n":0}`, etag.Config{})
		var mu sync.Mutex
		delays := rand.New(rand.NewPCG(seed, 0))
		s.between = func(int, *http.Request) {
			mu.Lock()
			d := time.Duration(delays.Int64N(int64(100 * time.Millisecond)))
			mu.Unlock()
			time.Sleep(d)
		}
		c := s.client()
		c.Attempts = 1000
		var wg sync.WaitGroup
		for range 32 {
			wg.Go(func() {
				_, _, err := etag.Update(t.Context(), c, where, increment)
				assert.NoError(t, err)
			})
		}
		wg.Wait()
		assert.JSONEq(t, `{"n":32}`, s.doc)
		assert.Equal(t, 32, s.writes)
		assert.Greater(t, len(s.log), 2*32, "they were in each other's way")
	})
}

// TestUpdatesWithKeysAreDoneOnce though every other answer is lost: the server
// tells by the key what became of a write, and the client need not guess.
func TestUpdatesWithKeysAreDoneOnce(t *testing.T) {
	var puts atomic.Int64
	s, server := served(t, `{"n":0}`, func(r *http.Request) bool {
		return r.Method == http.MethodPut && puts.Add(1)%2 == 1
	})
	c := &etag.Client{Keyed: true, Attempts: 100, HTTP: &http.Client{Transport: &idempotency.Transport{
		Base: server.Client().Transport, Attempts: 20, Burst: 1000, Backoff: time.Millisecond, MaxBackoff: time.Millisecond,
	}}}
	const clients, each = 2, 5
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for range each {
				_, _, err := etag.Update(t.Context(), c, server.URL, increment)
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
	assert.JSONEq(t, `{"n":10}`, s.doc)
	assert.Equal(t, clients*each, s.writes)
}

// TestStaleWriteThatIsAnErrorOfTheTransport: where stale is 409, the transport has
// made an error of the answer, and its problem is judged all the same.
func TestStaleWriteThatIsAnErrorOfTheTransport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, `{"n":1}`, etag.Config{StaleStatus: http.StatusConflict})
		s.between = func(n int, _ *http.Request) {
			if n == 2 {
				s.put(`{"n":10}`)
			}
		}
		c := &etag.Client{HTTP: &http.Client{Transport: &idempotency.Transport{Base: s}}}
		got, _, err := etag.Update(t.Context(), c, where, increment)
		require.NoError(t, err)
		assert.Equal(t, tally{11}, got)
		assert.Equal(t, "GET PUT PUT", s.methods())
		assert.NotEqual(t, s.fields[1].Get("Idempotency-Key"), s.fields[2].Get("Idempotency-Key"), "another value is another operation")
	})
}

// TestUpdateFollowsRedirectsThatKeepTheMethod, and no other.
func TestUpdateFollowsRedirectsThatKeepTheMethod(t *testing.T) {
	s, server := served(t, `{"n":1}`, nil)
	for _, status := range []int{http.StatusTemporaryRedirect, http.StatusPermanentRedirect, http.StatusMovedPermanently, http.StatusFound} {
		s.put(`{"n":1}`)
		front := httptest.NewServer(http.RedirectHandler(server.URL, status))
		got, _, err := etag.Update(t.Context(), nil, front.URL, increment)
		front.Close()
		if status == http.StatusTemporaryRedirect || status == http.StatusPermanentRedirect {
			require.NoError(t, err, status)
			assert.Equal(t, tally{2}, got)
			continue
		}
		var answer *etag.AnswerError
		require.ErrorAs(t, err, &answer, status)
		assert.Equal(t, status, answer.Status)
		assert.JSONEq(t, `{"n":1}`, s.doc)
	}
	loop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.Header().Set("ETag", `"a"`)
			_, _ = io.WriteString(w, `{"n":1}`)
			return
		}
		http.Redirect(w, r, "/", http.StatusTemporaryRedirect)
	}))
	defer loop.Close()
	_, _, err := etag.Update(t.Context(), &etag.Client{Attempts: 1}, loop.URL, increment)
	require.ErrorContains(t, err, "too many redirects")
	refuses := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return io.ErrNoProgress }}
	_, _, err = etag.Update(t.Context(), &etag.Client{Attempts: 1, HTTP: refuses}, loop.URL, increment)
	require.ErrorIs(t, err, io.ErrNoProgress)
}

// TestCurrentThatIsTextIsReadAnew: a handler that sends its JSON as a text has its
// representation in the refusal as a string, which is not the value.
func TestCurrentThatIsTextIsReadAnew(t *testing.T) {
	for _, contentType := range []string{"text/plain; charset=utf-8", "text/json"} {
		bubble(t, contentType, func(t *testing.T) {
			s := newShelf(t, `{"n":1}`, etag.Config{})
			s.contentType = contentType
			s.between = func(n int, _ *http.Request) {
				if n == 2 {
					s.put(`{"n":10}`)
				}
			}
			var seen []any
			_, _, err := etag.Update(t.Context(), s.client(), where, func(v *any) error {
				seen = append(seen, *v)
				*v = map[string]any{"n": 11}
				return nil
			})
			require.NoError(t, err)
			assert.Equal(t, []any{map[string]any{"n": json.Number("1")}, map[string]any{"n": json.Number("10")}}, seen)
			assert.Equal(t, "GET PUT GET PUT", s.methods())
		})
	}
}

// TestStaleUpdateOfALargeResource: a refusal that carried it all would be too long
// to be read as a problem.
func TestStaleUpdateOfALargeResource(t *testing.T) {
	for _, status := range []int{http.StatusPreconditionFailed, http.StatusConflict} {
		bubble(t, fmt.Sprint(status), func(t *testing.T) {
			long := strings.Repeat("x", problem.MaxParse)
			s := newShelf(t, `{"n":1,"text":"`+long+`"}`, etag.Config{StaleStatus: status})
			s.between = func(n int, _ *http.Request) {
				if n == 2 {
					s.put(`{"n":10,"text":"` + long + `"}`)
				}
			}
			got, _, err := etag.Update(t.Context(), s.client(), where, func(v *struct {
				N    int    `json:"n"`
				Text string `json:"text"`
			}) error {
				v.N++
				return nil
			})
			require.NoError(t, err)
			assert.Equal(t, 11, got.N)
			assert.Equal(t, "GET PUT GET PUT", s.methods())
		})
	}
}
