package idempotency_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/problem"
)

// The faults of other implementations in what they record and replay.

// TestSetCookieNotReplayed also covers what else belongs to one exchange alone.
func TestSetCookieNotReplayed(t *testing.T) {
	for name, value := range map[string]string{
		"Set-Cookie":                "session=1",
		"Set-Cookie2":               "session=1",
		"set-cookie":                "session=1",
		"SET-COOKIE":                "session=1",
		"Date":                      "Mon, 02 Jan 2006 15:04:05 GMT",
		"Age":                       "7",
		"WWW-Authenticate":          "Basic",
		"Proxy-Authenticate":        "Basic",
		"Authentication-Info":       `nextnonce="1"`,
		"Proxy-Authentication-Info": `nextnonce="1"`,
		"RateLimit":                 `"default";r=1`,
		"RateLimit-Policy":          `"default";q=1`,
		"RateLimit-Remaining":       "1",
		"X-RateLimit-Remaining":     "1",
		"X-Rate-Limit-Limit":        "1",
		"x-ratelimit-reset":         "1",
		"Connection":                "close",
		"Keep-Alive":                "timeout=5",
		"Proxy-Connection":          "close",
		"Upgrade":                   "h2c",
		"TE":                        "trailers",
		"Transfer-Encoding":         "identity",
		"Trailer":                   "X-Sum",
	} {
		t.Run(name, func(t *testing.T) {
			h := newLayer(t, idempotency.Config{}).Handler(&till{then: func(w http.ResponseWriter, _ *http.Request, _ int64) {
				w.Header()[name] = []string{value} // net/http sends a name as it stands in the map
				w.Header().Set("X-Other", "kept")
				w.WriteHeader(http.StatusCreated)
			}})
			first, again := send(h, post("k", "{}")), send(h, post("k", "{}"))
			assert.True(t, has(first, name), "whoever made the request gets it")
			assert.False(t, has(again, name))
			assert.Equal(t, "true", again.Header().Get("Idempotency-Replayed"))
			assert.Equal(t, "kept", again.Header().Get("X-Other"))
		})
	}
}

// has reports whether w has a field of this name, in any spelling.
func has(w *httptest.ResponseRecorder, name string) bool {
	for sent := range w.Result().Header {
		if strings.EqualFold(sent, name) {
			return true
		}
	}
	return false
}

func TestFieldsThatConnectionNamesAreNotReplayed(t *testing.T) {
	h := newLayer(t, idempotency.Config{}).Handler(&till{then: answers(http.StatusCreated,
		"Connection", "close, X-Hop, etag", "X-Hop", "1", "Etag", `"1"`, "X-Other", "kept", "Vary", "Accept")})
	send(h, post("k", "{}"))
	again := send(h, post("k", "{}"))
	assert.False(t, has(again, "X-Hop"))
	assert.False(t, has(again, "Etag"), "one that is usually replayed is no exception")
	assert.False(t, has(again, "Connection"))
	assert.Equal(t, "kept", again.Header().Get("X-Other"))
	assert.Equal(t, "Accept", again.Header().Get("Vary"))
}

func TestReplayAfterReadFrom(t *testing.T) {
	name, text := filepath.Join(t.TempDir(), "receipt"), strings.Repeat("0123456789", 5000)
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	for how, begin := range map[string]func(http.ResponseWriter){
		"at once":       func(http.ResponseWriter) {},
		"after a flush": func(w http.ResponseWriter) { assert.NoError(t, http.NewResponseController(w).Flush()) },
	} {
		t.Run(how, func(t *testing.T) {
			s := serve(t, newLayer(t, idempotency.Config{}).Handler(&till{then: func(w http.ResponseWriter, _ *http.Request, _ int64) {
				f, err := os.Open(name)
				if !assert.NoError(t, err) {
					return
				}
				defer f.Close()
				begin(w)
				n, err := io.Copy(w, f)
				assert.NoError(t, err)
				assert.EqualValues(t, len(text), n)
			}}))
			for range 2 {
				_, body := s.post(t, "k", "{}")
				assert.Equal(t, text, body)
			}
		})
	}
}

func TestReplayKeepsStatus201(t *testing.T) {
	for _, status := range []int{200, 201, 202, 204, 205, 207, 226, 299, 300, 301, 302, 303, 304, 400, 404, 405, 409, 410, 413, 422, 423, 451, 499, 500, 501, 505, 599, 999} {
		pay := &till{then: answers(status)}
		h := newLayer(t, idempotency.Config{}).Handler(pay)
		first := send(h, post("k", "{}"))
		require.Equal(t, status, first.Code)
		wantReplay(t, first, send(h, post("k", "{}")))
		assert.EqualValues(t, 1, pay.runs.Load(), status)
	}
	for name, then := range map[string]func(http.ResponseWriter, *http.Request, int64){
		"writes nothing":  func(http.ResponseWriter, *http.Request, int64) {},
		"no WriteHeader":  func(w http.ResponseWriter, _ *http.Request, _ int64) { _, _ = io.WriteString(w, "done") },
		"two WriteHeader": func(w http.ResponseWriter, _ *http.Request, _ int64) { w.WriteHeader(201); w.WriteHeader(500) },
		"with a hint": func(w http.ResponseWriter, _ *http.Request, _ int64) {
			w.Header().Set("Link", "</receipt.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusAccepted)
		},
	} {
		t.Run(name, func(t *testing.T) {
			pay := &till{then: then}
			s := serve(t, newLayer(t, idempotency.Config{}).Handler(pay))
			first, text := s.post(t, "k", "{}")
			again, replayed := s.post(t, "k", "{}")
			assert.Equal(t, first.StatusCode, again.StatusCode)
			assert.Equal(t, text, replayed)
			assert.EqualValues(t, 1, pay.runs.Load())
		})
	}
}

func TestReplayKeepsLocation(t *testing.T) {
	for _, location := range []string{"/payments/1", "https://api.example/payments/1?a=b#c", "/" + strings.Repeat("x", 5000)} {
		h := newLayer(t, idempotency.Config{}).Handler(&till{then: answers(http.StatusSeeOther, "Location", location)})
		first, again := send(h, post("k", "{}")), send(h, post("k", "{}"))
		wantReplay(t, first, again)
		assert.Equal(t, location, again.Header().Get("Location"))
	}
}

func TestReplayKeepsETag(t *testing.T) {
	h := newLayer(t, idempotency.Config{}).Handler(&till{then: func(w http.ResponseWriter, _ *http.Request, _ int64) {
		w.Header()["Etag"] = []string{`W/"v7"`}
		w.Header()["Link"] = []string{"</a>; rel=next", "</b>; rel=prev"}
		w.Header()["Cache-Control"] = []string{"no-store"}
		w.Header()["X-Empty"] = []string{""}
		w.Header()["X-Latin"] = []string{"caf\xe9"}
		w.Header()["x-spelled-so"] = []string{"1"}
		_, _ = io.WriteString(w, "done")
	}})
	first, again := send(h, post("k", "{}")), send(h, post("k", "{}"))
	wantReplay(t, first, again)
	assert.Equal(t, `W/"v7"`, again.Header().Get("ETag"))
	assert.Equal(t, []string{"</a>; rel=next", "</b>; rel=prev"}, again.Header()["Link"], "every line, in its order")
}

func TestReplayKeepsContentEncoding(t *testing.T) {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	_, _ = io.WriteString(zip, `{"charge":1}`)
	require.NoError(t, zip.Close())
	h := newLayer(t, idempotency.Config{}).Handler(&till{then: func(w http.ResponseWriter, _ *http.Request, _ int64) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", fmt.Sprint(packed.Len()))
		w.Header().Set("Vary", "Accept-Encoding")
		_, _ = w.Write(packed.Bytes())
	}})
	first, again := send(h, post("k", "{}", "Accept-Encoding", "gzip")), send(h, post("k", "{}"))
	wantReplay(t, first, again)
	assert.Equal(t, "gzip", again.Header().Get("Content-Encoding"))
	assert.Equal(t, packed.Bytes(), again.Body.Bytes())
}

func TestOversizeReplyIsNotRerun(t *testing.T) {
	for name, write := range map[string]func(w http.ResponseWriter, text string){
		"in one piece": func(w http.ResponseWriter, text string) { _, _ = io.WriteString(w, text) },
		"byte by byte": func(w http.ResponseWriter, text string) {
			for i := range len(text) {
				_, _ = w.Write([]byte{text[i]})
			}
		},
		"through ReadFrom": func(w http.ResponseWriter, text string) { _, _ = io.Copy(w, strings.NewReader(text)) },
		"flushed in the middle": func(w http.ResponseWriter, text string) {
			_, _ = io.WriteString(w, text[:10])
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, text[10:])
		},
	} {
		t.Run(name, func(t *testing.T) {
			for size, retained := range map[int]bool{64: true, 65: false, 5000: false} {
				pay, heard := &till{}, &observer{}
				text := strings.Repeat("x", size)
				pay.then = func(w http.ResponseWriter, _ *http.Request, _ int64) {
					w.Header().Set("Location", "/reports/1")
					w.WriteHeader(http.StatusCreated)
					write(w, text)
				}
				h := newLayer(t, idempotency.Config{MaxResponseBody: 64, Observer: heard}).Handler(pay)
				first := send(h, post("k", "{}"))
				require.Equal(t, http.StatusCreated, first.Code)
				require.Equal(t, text, first.Body.String(), "it is delivered")
				again := send(h, post("k", "{}"))
				assert.EqualValues(t, 1, pay.runs.Load(), "%d bytes", size)
				if retained {
					wantReplay(t, first, again)
					continue
				}
				wantKind(t, http.StatusConflict, problem.KindResponseNotRetained, again)
				assert.EqualValues(t, http.StatusCreated, member(t, again, "original_status"))
				assert.Equal(t, "/reports/1", again.Header().Get("Location"))
				assert.Equal(t, false, member(t, again, "retryable"))
				wantKind(t, http.StatusUnprocessableEntity, problem.KindKeyReused, send(h, post("k", "{ }")))
			}
		})
	}
}

func TestTooManyRequestsIsNotKept(t *testing.T) {
	for _, status := range []int{307, 308, 401, 403, 408, 412, 421, 425, 428, 429} {
		pay := &till{then: answers(status)}
		h := newLayer(t, idempotency.Config{}).Handler(pay)
		assert.Equal(t, status, send(h, post("k", "{}")).Code)
		pay.then = nil
		again := send(h, post("k", "{}"))
		assert.Equal(t, http.StatusCreated, again.Code)
		assert.Empty(t, again.Header().Get("Idempotency-Replayed"))
		assert.EqualValues(t, 2, pay.runs.Load(), status)
	}
}

func TestSeeOtherWithRetryAfterIsKept(t *testing.T) {
	for _, status := range []int{200, 201, 202, 303} {
		pay := &till{then: answers(status, "Retry-After", "5", "Location", "/jobs/1")}
		h := newLayer(t, idempotency.Config{}).Handler(pay)
		first := send(h, post("k", "{}"))
		wantReplay(t, first, send(h, post("k", "{}")))
		assert.EqualValues(t, 1, pay.runs.Load(), status)
	}
}

// TestTimeoutHandler503IsUnknown: the handler goes on after its client was told
// 503, so the key must not be free.
func TestTimeoutHandler503IsUnknown(t *testing.T) {
	for name, policy := range map[string]idempotency.UnknownPolicy{"Refuse": idempotency.Refuse, "Rerun": idempotency.Rerun} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pay := &till{}
				var running atomic.Int64
				pay.then = func(http.ResponseWriter, *http.Request, int64) {
					assert.EqualValues(t, 1, running.Add(1), "two runs at once")
					time.Sleep(10 * time.Second) // longer than the timeout, and deaf to its context
					running.Add(-1)
				}
				h := newLayer(t, idempotency.Config{Unknown: policy}).Handler(http.TimeoutHandler(pay, time.Second, "too slow"))
				assert.Equal(t, http.StatusServiceUnavailable, send(h, post("k", "{}")).Code)
				if policy == idempotency.Refuse {
					wantKind(t, http.StatusConflict, problem.KindOutcomeUnknown, send(h, post("k", "{}")))
					time.Sleep(time.Hour)
					wantKind(t, http.StatusConflict, problem.KindOutcomeUnknown, send(h, post("k", "{}")))
					assert.EqualValues(t, 1, pay.runs.Load())
					return
				}
				w := send(h, post("k", "{}"))
				wantKind(t, http.StatusConflict, problem.KindRequestInFlight, w)
				assert.Equal(t, "33", w.Header().Get("Retry-After"), "when the lease of 30 s and its margin are over")
				time.Sleep(33 * time.Second)
				assert.Equal(t, http.StatusServiceUnavailable, send(h, post("k", "{}")).Code, "it ran again")
				assert.EqualValues(t, 2, pay.runs.Load())
				time.Sleep(time.Minute)
			})
		})
	}
}
