package concord_test

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/lock"
	"github.com/concordhttp/concord/store/memory"
)

// Faults that others shipped, or that a review found, where several layers meet.

// TestProbeNeverJoins: a precondition is judged on the answer of a run of its
// own, not on that of a read that began before the last write.
func TestProbeNeverJoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := one()
		p.slow = time.Second
		h := newStack(t, concord.Config{}).Handler(p)
		old := start(h, request(http.MethodGet, ""))
		synctest.Wait()
		p.mu.Lock()
		p.texts["/d"] = "two" // by another server, so that no layer here knows of it
		p.mu.Unlock()
		put := start(h, request(http.MethodPut, "three", "If-Match", tagOne))
		assert.Equal(t, "one", old().Body.String())
		assert.Equal(t, http.StatusPreconditionFailed, put().Code)
		assert.EqualValues(t, 2, p.reads.Load(), "the question is a run of its own")
		assert.Zero(t, p.writes.Load())
	})
}

// TestNobodyJoinsAProbe: what a layer asks for itself is no answer for a client.
func TestNobodyJoinsAProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := one()
		p.slow = time.Second
		h := newStack(t, concord.Config{}).Handler(p)
		put := start(h, request(http.MethodPut, "two", "If-Match", tagOne))
		synctest.Wait()
		require.EqualValues(t, 1, p.reads.Load(), "the question is under way")
		get := start(h, request(http.MethodGet, ""))
		assert.Empty(t, get().Header().Get("Cache-Status"))
		assert.Equal(t, http.StatusOK, put().Code)
		assert.EqualValues(t, 2, p.reads.Load())
	})
}

type subjectKey struct{}

// subject is a Principal: what authentication left in the context.
func subject(r *http.Request) (string, error) {
	if s, ok := r.Context().Value(subjectKey{}).(string); ok {
		return s, nil
	}
	return "", middleware.ErrPrincipalUnknown
}

func as(who string, r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), subjectKey{}, who))
}

// private answers each caller with what it knows of it.
func private(w http.ResponseWriter, r *http.Request) {
	time.Sleep(time.Second)
	who, _ := subject(r)
	_, _ = io.WriteString(w, who+r.Header.Get("Authorization")+r.Header.Get("Cookie")+r.Header.Get("X-Api-Key"))
}

// TestCredentialsAreNeverShared: neither by reads that come together, nor by
// writes under one key.
func TestCredentialsAreNeverShared(t *testing.T) {
	for name, c := range map[string]struct {
		principal concord.Principal
		ask       func(method, who string) *http.Request
	}{
		"subjects": {subject, func(method, who string) *http.Request { return as(who, request(method, "")) }},
		"static tokens": {concord.ByAuthorization, func(method, who string) *http.Request {
			return request(method, "", "Authorization", "Bearer "+who)
		}},
		"cookies": {concord.ByCookie("session"), func(method, who string) *http.Request {
			return request(method, "", "Cookie", "session="+who)
		}},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			t.Run(name+", "+method, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := newStack(t, concord.Config{Principal: c.principal}).Handler(http.HandlerFunc(private))
					answers := map[string]func() *httptest.ResponseRecorder{}
					for _, who := range []string{"ann-000001", "bob-000001"} {
						r := c.ask(method, who)
						r.Header.Set("Idempotency-Key", "k")
						answers[who] = start(h, r)
						synctest.Wait()
					}
					for who, answer := range answers {
						w := answer()
						assert.Equal(t, http.StatusOK, w.Code, w.Body)
						assert.Contains(t, w.Body.String(), who)
						assert.Empty(t, w.Header().Get("Cache-Status"))
						assert.Empty(t, w.Header().Get("Idempotency-Replayed"))
					}
				})
			})
		}
	}
}

// TestCookieCallersAreNotAnonymous: nor are those of an API key, although the
// Principal calls them all the same.
func TestCookieCallersAreNotAnonymous(t *testing.T) {
	for _, field := range []string{"Cookie", "X-Api-Key", "Authorization"} {
		t.Run(field, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newStack(t, concord.Config{}).Handler(http.HandlerFunc(private))
				ann := start(h, request(http.MethodGet, "", field, "ann"))
				bob := start(h, request(http.MethodGet, "", field, "bob"))
				nobody := start(h, request(http.MethodGet, ""))
				assert.Equal(t, "ann", ann().Body.String())
				assert.Equal(t, "bob", bob().Body.String())
				assert.Empty(t, nobody().Body.String())
			})
		})
	}
	h := newStack(t, concord.Config{Principal: concord.ByCookie("session")}).Handler(one())
	w := send(h, request(http.MethodPost, "x", "Idempotency-Key", "k"))
	assert.Equal(t, http.StatusInternalServerError, w.Code)
	assert.Contains(t, w.Body.String(), "#principal-unknown")
}

// TestReadYourWrites: whoever has the answer to a write, by whichever method and
// spelling, reads what it wrote, even while an older read is under way.
func TestReadYourWrites(t *testing.T) {
	for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodPost, http.MethodDelete, "MOVE"} {
		for name, fields := range map[string][]string{
			"plain": nil, "with a key": {"Idempotency-Key", "k"}, "with If-Match": {"If-Match", tagOne},
		} {
			t.Run(method+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := one()
					p.slow = time.Second
					h := newStack(t, concord.Config{}).Handler(p)
					before := start(h, request(http.MethodGet, ""))
					synctest.Wait()
					write := request(method, "two", fields...)
					write.URL.Path, write.URL.RawPath = "/d", "/%64"
					require.Equal(t, http.StatusOK, send(h, write).Code)
					assert.Equal(t, "two", send(h, request(http.MethodGet, "")).Body.String())
					assert.Equal(t, "one", before().Body.String())
				})
			})
		}
	}
}

// TestTwoWritersOneWinsAcrossServers: of many that change what they have all
// read, one does, whichever of two servers they ask.
func TestTwoWritersOneWinsAcrossServers(t *testing.T) {
	for name, locks := range map[string]*lock.Config{"without locks": nil, "with locks": {}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, shared := one(), memory.New(memory.Config{})
				var servers [2]http.Handler
				for i := range servers {
					servers[i] = newStack(t, concord.Config{Store: shared, ETag: etag.Config{GateWait: time.Hour}, Lock: locks}).Handler(p)
				}
				p.slow = time.Second // so that all have come before the first is judged
				var answers []func() *httptest.ResponseRecorder
				for i := range 64 {
					answers = append(answers, start(servers[i%2], request(http.MethodPut, "two", "If-Match", tagOne)))
				}
				codes := map[int]int{}
				for _, answer := range answers {
					codes[answer().Code]++
				}
				assert.Equal(t, map[int]int{http.StatusOK: 1, http.StatusPreconditionFailed: 63}, codes)
				assert.EqualValues(t, 1, p.writes.Load())
			})
		})
	}
}

// TestLockSlipsInWhileWaiting: a write that waits at the gate of one server does
// not land under a lock that the other has granted meanwhile.
func TestLockSlipsInWhileWaiting(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	codes := map[int]int{}
	for range 40 {
		wait := time.Duration(random.Int64N(int64(400 * time.Millisecond)))
		conditional := random.IntN(2) == 0
		synctest.Test(t, func(t *testing.T) {
			shared := memory.New(memory.Config{})
			var landed, granted atomic.Int64
			document := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					_, _ = io.WriteString(w, "one")
					return
				}
				who, _ := subject(r)
				time.Sleep(200 * time.Millisecond)
				if who == "bob" {
					landed.Store(time.Now().UnixNano())
				}
			})
			var servers [2]http.Handler
			for i := range servers {
				servers[i] = newStack(t, concord.Config{Store: shared, Principal: subject, Lock: &lock.Config{}}).Handler(document)
			}
			first := start(servers[0], as("carol", request(http.MethodPut, "first")))
			synctest.Wait()
			begun := make(chan func() *httptest.ResponseRecorder, 1)
			go func() {
				time.Sleep(wait)
				r := as("bob", request(http.MethodPut, "second"))
				if conditional {
					r.Header.Set("If-Match", tagOne)
				}
				begun <- start(servers[1], r)
			}()
			time.Sleep(100 * time.Millisecond)
			locked := send(servers[0], as("ann", request("LOCK", "")))
			granted.Store(time.Now().UnixNano())
			require.Equal(t, http.StatusOK, locked.Code, locked.Body)
			require.Equal(t, http.StatusOK, first().Code)
			write := (<-begun)()
			codes[write.Code]++
			switch write.Code {
			case http.StatusOK:
				assert.LessOrEqual(t, landed.Load(), granted.Load())
			case http.StatusConflict:
				assert.Contains(t, write.Body.String(), "#locked")
				assert.Zero(t, landed.Load())
			default:
				assert.Fail(t, "neither", write.Body)
			}
		})
	}
	assert.NotZero(t, codes[http.StatusOK], "the write came first")
	assert.NotZero(t, codes[http.StatusConflict], "the lock came first")
}
