package etag_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

// The faults of other implementations in how they judge preconditions, through
// HTTP. The pure part is judged again in TestCoreHardCases.

func TestMultipleFieldLines(t *testing.T) {
	docs := newDocuments(map[string]string{"/a": "one"})
	h := protect(t, etag.Config{}, docs)
	tag := tagOf(t, h, "/a")
	assert.Equal(t, 304, do(h, "GET", "/a", "", "If-None-Match", `"x"`, "If-None-Match", tag).Code)
	assert.Equal(t, 200, do(h, "PUT", "/a", "two", "If-Match", `"x", "y"`, "If-Match", tag).Code)
	text, _ := docs.text("/a")
	assert.Equal(t, "two", text)
	wantProblem(t, do(h, "PUT", "/a", "three", "If-Match", "*", "If-Match", `"x"`), 400, problem.KindPreconditionMalformed)
}

func TestCommaInsideTag(t *testing.T) {
	h := protect(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"v1,v2"`)
	}))
	assert.Equal(t, 304, do(h, "GET", "/", "", "If-None-Match", `"v1,v2"`).Code)
	assert.Equal(t, 200, do(h, "PUT", "/", "", "If-Match", `"a", "v1,v2"`).Code)
	assert.Equal(t, 412, do(h, "PUT", "/", "", "If-Match", `"v1", "v2"`).Code)
}

func TestWeakTagNeverSatisfiesIfMatch(t *testing.T) {
	docs := newDocuments(map[string]string{"/a": "one"})
	h := protect(t, etag.Config{}, docs)
	tag := tagOf(t, h, "/a")
	wantProblem(t, do(h, "PUT", "/a", "two", "If-Match", "W/"+tag), 412, problem.KindVersionMismatch, `"failed_field":"If-Match"`)
	weak := protect(t, etag.Config{Weak: true}, docs)
	assert.Equal(t, "W/"+tag, tagOf(t, weak, "/a"))
	assert.Equal(t, 304, do(weak, "GET", "/a", "", "If-None-Match", tag).Code)
	assert.Equal(t, 412, do(weak, "PUT", "/a", "two", "If-Match", "W/"+tag).Code)
	assert.Zero(t, docs.writes.Load())
}

func TestIfMatchStarOnExisting(t *testing.T) {
	docs := newDocuments(map[string]string{"/a": "one"})
	h := protect(t, etag.Config{}, docs)
	assert.Equal(t, 200, do(h, "PUT", "/a", "two", "If-Match", "*").Code)
	assert.Equal(t, 204, do(h, "DELETE", "/a", "", "If-Match", "*").Code)
}

func TestIfMatchStarOnMissing(t *testing.T) {
	for _, method := range []string{"PUT", "PATCH", "DELETE", "POST", "LOCK", "UNLOCK", "PROPPATCH"} {
		docs := newDocuments(nil)
		w := do(protect(t, etag.Config{}, docs), method, "/a", "x", "If-Match", "*")
		wantProblem(t, w, 412, problem.KindVersionMismatch, `"failed_field":"If-Match"`)
		assert.NotContains(t, w.Body.String(), "current_etag")
		assert.Empty(t, w.Header().Get("ETag"))
		_, exists := docs.text("/a")
		assert.False(t, exists, "%s created it", method)
		assert.Zero(t, docs.writes.Load())
	}
}

func TestFailedIfMatchOnGetIs412(t *testing.T) {
	docs := newDocuments(map[string]string{"/a": "one"})
	tag := etag.Of([]byte("one")).String()
	for name, c := range map[string]etag.Config{
		"asked": {},
		"current": {Current: func(*http.Request) (etag.State, error) {
			return etag.State{Exists: true, Tag: etag.Of([]byte("one"))}, nil
		}},
	} {
		h := protect(t, c, docs)
		w := do(h, "GET", "/a", "", "If-Match", `"old"`)
		wantProblem(t, w, 412, problem.KindVersionMismatch, `"failed_field":"If-Match"`)
		assert.Equal(t, tag, w.Header().Get("ETag"), name)
		assert.Equal(t, 200, do(h, "GET", "/a", "", "If-Match", tag).Code, name)
		assert.Equal(t, 404, do(protect(t, etag.Config{}, docs), "GET", "/b", "", "If-Match", `"old"`).Code)
		w = do(h, "HEAD", "/a", "", "If-Match", `"old"`)
		assert.Equal(t, 412, w.Code, name)
		assert.Empty(t, w.Body.String(), name)
	}
	own := protect(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"new"`)
		_, _ = io.WriteString(w, "the new text")
	}))
	w := do(own, "GET", "/a", "", "If-Match", `"old"`)
	wantProblem(t, w, 412, problem.KindVersionMismatch, `"current_etag":"\"new\""`)
	assert.NotContains(t, w.Body.String(), "the new text")
}

func TestNoneMatchOnWriteIs412(t *testing.T) {
	docs := newDocuments(map[string]string{"/a": "one"})
	h := protect(t, etag.Config{}, docs)
	tag := tagOf(t, h, "/a")
	for _, method := range []string{"PUT", "PATCH", "DELETE", "POST"} {
		for _, value := range []string{"*", tag, "W/" + tag} {
			w := do(h, method, "/a", "x", "If-None-Match", value)
			wantProblem(t, w, 412, problem.KindVersionMismatch, `"failed_field":"If-None-Match"`)
		}
	}
	assert.Zero(t, docs.writes.Load())
	assert.Equal(t, 200, do(h, "PUT", "/new", "x", "If-None-Match", "*").Code)
}

func TestEmptyOrMalformedIfMatchNeverPasses(t *testing.T) {
	docs := newDocuments(map[string]string{"/a": "one"})
	h := protect(t, etag.Config{}, docs)
	for _, value := range []string{"", " ", ",", "abc", `"abc`, `abc"`, `"a" "b"`, `w/"a"`, `W/ "a"`, `*, "a"`, `"a", *`, "**", `"a";"b"`, "\"\x00\"", "\"a\tb\""} {
		for _, method := range []string{"PUT", "PATCH", "DELETE", "POST", "GET"} {
			wantProblem(t, do(h, method, "/a", "x", "If-Match", value), 400, problem.KindPreconditionMalformed, `"failed_field":"If-Match"`)
		}
		wantProblem(t, do(h, "PUT", "/a", "x", "If-None-Match", value), 400, problem.KindPreconditionMalformed, `"failed_field":"If-None-Match"`)
		assert.Equal(t, 200, do(h, "GET", "/a", "", "If-None-Match", value).Code, "a malformed If-None-Match is ignored on a read")
	}
	assert.Zero(t, docs.writes.Load())
	assert.Equal(t, 200, do(h, "OPTIONS", "/a", "", "If-Match", "abc").Code, "OPTIONS has no preconditions")
}

var (
	then  = time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)
	dated = func(*http.Request) (etag.State, error) {
		return etag.State{Exists: true, Tag: etag.FromVersion(7), LastModified: then}, nil
	}
)

func at(t time.Time) string { return t.UTC().Format(http.TimeFormat) }

func TestInvalidDatesIgnored(t *testing.T) {
	docs := newDocuments(map[string]string{"/a": "one"})
	h := protect(t, etag.Config{Current: dated}, docs)
	for _, value := range []string{"", "yesterday", "2026-01-02T03:04:05Z", "Fri, 02 Jan 2026 03:04:05 +0100", "0", "Fri, 99 Jan 2026 03:04:05 GMT"} {
		assert.Equal(t, 200, do(h, "GET", "/a", "", "If-Modified-Since", value).Code, value)
		assert.Equal(t, 200, do(h, "PUT", "/a", "x", "If-Unmodified-Since", value).Code, value)
	}
	assert.Equal(t, 304, do(h, "GET", "/a", "", "If-Modified-Since", at(then)).Code, "whole seconds count")
	assert.Equal(t, 200, do(h, "GET", "/a", "", "If-Modified-Since", at(then.Add(-time.Second))).Code)
	assert.Equal(t, 412, do(h, "PUT", "/a", "x", "If-Unmodified-Since", at(then.Add(-time.Second))).Code)
	assert.Equal(t, 200, do(h, "PUT", "/a", "x", "If-Unmodified-Since", at(then)).Code)
}

func TestDateAppearsTwice(t *testing.T) {
	h := protect(t, etag.Config{Current: dated}, newDocuments(map[string]string{"/a": "one"}))
	old := at(then.Add(-time.Hour))
	assert.Equal(t, 200, do(h, "GET", "/a", "", "If-Modified-Since", at(then), "If-Modified-Since", at(then)).Code)
	assert.Equal(t, 200, do(h, "PUT", "/a", "x", "If-Unmodified-Since", old, "If-Unmodified-Since", old).Code)
	assert.Equal(t, 200, do(h, "PUT", "/a", "x", "If-Unmodified-Since", old+", "+old).Code)
}

func TestSubstringIsNoMatch(t *testing.T) {
	h := protect(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"abcd"`)
	}))
	for _, value := range []string{`"abc"`, `"bcd"`, `"abcde"`, `"ABCD"`, `""`} {
		assert.Equal(t, 200, do(h, "GET", "/", "", "If-None-Match", value).Code, value)
		assert.Equal(t, 412, do(h, "PUT", "/", "", "If-Match", value).Code, value)
	}
}

func TestUnquotedHandlerTag(t *testing.T) {
	h := protect(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `abc`)
		_, _ = io.WriteString(w, "text")
	}))
	assert.Equal(t, `"abc"`, tagOf(t, h, "/"))
	assert.Equal(t, `"abc"`, do(h, "HEAD", "/", "").Header().Get("ETag"))
	assert.Equal(t, `"abc"`, do(h, "PUT", "/", "x").Header().Get("ETag"))
	assert.Equal(t, 304, do(h, "GET", "/", "", "If-None-Match", `"abc"`).Code)
	assert.Equal(t, 200, do(h, "PUT", "/", "x", "If-Match", `"abc"`).Code)
	assert.Equal(t, 412, do(h, "PUT", "/", "x", "If-Match", `"abd"`).Code)

	broken := protect(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `a"b`)
		_, _ = io.WriteString(w, "text")
	}))
	assert.Equal(t, etag.Of([]byte("text")).String(), tagOf(t, broken, "/"), "what cannot be a tag is replaced")
}

func TestPreconditionBeforeSideEffect(t *testing.T) {
	docs := newDocuments(map[string]string{"/a": "one"})
	h := protect(t, etag.Config{}, docs)
	for _, method := range []string{"PUT", "PATCH", "DELETE", "POST"} {
		wantProblem(t, do(h, method, "/a", "lost", "If-Match", `"old"`), 412, problem.KindVersionMismatch)
	}
	text, _ := docs.text("/a")
	assert.Equal(t, "one", text)
	assert.Zero(t, docs.writes.Load())
}

func TestProbeFailureFailsClosed(t *testing.T) {
	ran := false
	answering := func(get http.HandlerFunc) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				get(w, r)
				return
			}
			ran = true
		})
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for name, c := range map[string]struct {
		get    http.HandlerFunc
		status int
		kind   problem.Kind
	}{
		"an error":          {status(500), 503, problem.KindValidatorUnavailable},
		"a bad gateway":     {status(502), 503, problem.KindValidatorUnavailable},
		"too many requests": {status(429), 503, problem.KindValidatorUnavailable},
		"a redirect":        {status(302), 503, problem.KindValidatorUnavailable},
		"a bad request":     {status(400), 503, problem.KindValidatorUnavailable},
		"not modified":      {status(304), 503, problem.KindValidatorUnavailable},
		"no GET":            {status(405), 500, problem.KindValidatorMissing},
		"not implemented":   {status(501), 500, problem.KindValidatorMissing},
		"no content":        {status(204), 500, problem.KindValidatorMissing},
		"a stream": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
		}, 500, problem.KindValidatorMissing},
		"larger than may be held": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(make([]byte, 2<<10))
		}, 500, problem.KindValidatorMissing},
	} {
		t.Run(name, func(t *testing.T) {
			h := protect(t, etag.Config{MaxBody: 1 << 10}, answering(c.get))
			wantProblem(t, do(h, "PUT", "/a", "x", "If-Match", `"v1"`), c.status, c.kind)
			wantProblem(t, do(h, "PUT", "/a", "x", "If-None-Match", `"v1"`), c.status, c.kind)
		})
	}
	for _, code := range []int{401, 403} {
		h := protect(t, etag.Config{}, answering(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			w.WriteHeader(code)
			_, _ = io.WriteString(w, "who are you")
		}))
		w := do(h, "PUT", "/a", "x", "If-Match", `"v1"`)
		assert.Equal(t, code, w.Code, "passed on")
		assert.Equal(t, "Bearer", w.Header().Get("WWW-Authenticate"))
		assert.Equal(t, "who are you", w.Body.String())
	}
	for name, err := range map[string]error{"an error": errors.New("no database"), "a timeout": fmt.Errorf("asking: %w", http.ErrHandlerTimeout)} {
		h := protect(t, etag.Config{Current: func(*http.Request) (etag.State, error) { return etag.State{}, err }}, answering(status(200)))
		w := do(h, "PUT", "/a", "x", "If-Match", `*`)
		wantProblem(t, w, 503, problem.KindValidatorUnavailable)
		assert.NotContains(t, w.Body.String(), "database", name)
		wantProblem(t, do(h, "GET", "/a", "", "If-Match", `"v1"`), 503, problem.KindValidatorUnavailable)
		assert.Equal(t, 200, do(h, "GET", "/a", "", "If-None-Match", `"v1"`).Code, "a read that saves itself a transfer is answered in full")
	}
	forbidden := problem.New("forbidden", "You may not read this.")
	forbidden.Status = 403
	h := protect(t, etag.Config{Current: func(*http.Request) (etag.State, error) { return etag.State{}, forbidden }}, answering(status(200)))
	assert.Equal(t, 403, do(h, "PUT", "/a", "x", "If-Match", `*`).Code)
	assert.False(t, ran, "the handler ran on a guess")
	assert.Panics(t, func() {
		h := protect(t, etag.Config{}, answering(func(http.ResponseWriter, *http.Request) { panic("probe") }))
		do(h, "PUT", "/a", "x", "If-Match", `"v1"`)
	})
	assert.False(t, ran)
}

// TestProbeOfAMethodRoute: the handler of "DELETE /a" of a ServeMux never looks
// at the method, so asking it with a GET would delete.
func TestProbeOfAMethodRoute(t *testing.T) {
	docs := newDocuments(map[string]string{"/a": "one"})
	for _, pattern := range []string{"DELETE /a", "DELETE\t/a", "DELETE \t api.example/a"} { // ServeMux takes blanks and tabs
		mux := http.NewServeMux()
		mux.Handle(pattern, layer(t, etag.Config{}).Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			docs.put("/a", "deleted")
		})))
		wantProblem(t, do(mux, "DELETE", "/a", "", "If-Match", `"old"`), 500, problem.KindValidatorMissing)
		text, _ := docs.text("/a")
		assert.Equal(t, "one", text, "%q", pattern)
	}

	outer := http.NewServeMux()
	outer.Handle("/a", protect(t, etag.Config{}, docs))
	assert.Equal(t, 412, do(outer, "DELETE", "/a", "", "If-Match", `"old"`).Code, "a route of all methods can be asked")
	assert.Equal(t, 204, do(outer, "DELETE", "/a", "", "If-Match", etag.Of([]byte("one")).String()).Code)
}

func TestSameValidatorOnReadAndWrite(t *testing.T) {
	for name, c := range map[string]etag.Config{
		"hash":    {},
		"keyed":   {Hash: keyed(t)},
		"current": {Current: dated},
	} {
		for _, own := range []string{"", `"own"`, "unquoted"} {
			if name == "current" && own != "" {
				continue // two sources that disagree are a mistake of the server's
			}
			writes := 0
			h := protect(t, c, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPatch {
					writes++
					return
				}
				if own != "" {
					w.Header().Set("ETag", own)
				}
				_, _ = io.WriteString(w, "the same text each time")
			}))
			tag := tagOf(t, h, "/a")
			assert.Equal(t, 200, do(h, "PATCH", "/a", "x", "If-Match", tag).Code, "%s, own tag %q", name, own)
			assert.Equal(t, 304, do(h, "GET", "/a", "", "If-None-Match", tag).Code, "%s, own tag %q", name, own)
			assert.Equal(t, 1, writes)
		}
	}
}

func TestNotModifiedKeepsFields(t *testing.T) {
	docs := newDocuments(map[string]string{"/a": "one"})
	for name, own := range map[string]string{"hashed": "", "own": `"own"`} {
		h := protect(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if own != "" {
				w.Header().Set("ETag", own)
			}
			w.Header().Set("Vary", "Accept")
			w.Header().Set("Cache-Control", "max-age=60")
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.Header().Set("Content-Location", "/a.en")
			w.Header().Set("Expires", at(then))
			w.Header().Set("Set-Cookie", "a=b")
			w.Header().Set("Content-Encoding", "identity")
			docs.ServeHTTP(w, r)
		}))
		w := do(h, "GET", "/a", "", "If-None-Match", tagOf(t, h, "/a"))
		require.Equal(t, 304, w.Code, name)
		assert.Empty(t, w.Body.String())
		for _, field := range []string{"ETag", "Vary", "Cache-Control", "Access-Control-Allow-Origin", "Content-Location", "Expires", "Set-Cookie"} {
			assert.NotEmpty(t, w.Header().Get(field), "%s: %s", name, field)
		}
		for _, field := range []string{"Content-Type", "Content-Length", "Content-Encoding"} {
			assert.Empty(t, w.Header().Get(field), "%s: %s", name, field)
		}
	}
}

func TestErrorNever304(t *testing.T) {
	for _, status := range []int{206, 301, 400, 404, 500} {
		for _, own := range []string{"", `"e"`} {
			h := protect(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if own != "" && status != 206 {
					w.Header().Set("ETag", own)
				}
				w.WriteHeader(status)
				_, _ = io.WriteString(w, "{}")
			}))
			w := do(h, "GET", "/", "", "If-None-Match", `"e", `+etag.Of([]byte("{}")).String())
			assert.Equal(t, status, w.Code)
			assert.Equal(t, "{}", w.Body.String())
		}
	}
	docs := newDocuments(nil)
	h := protect(t, etag.Config{Current: func(*http.Request) (etag.State, error) { return etag.State{}, nil }}, docs)
	assert.Equal(t, 404, do(h, "GET", "/a", "", "If-None-Match", "*").Code)
	assert.Equal(t, 404, do(h, "GET", "/a", "", "If-Match", `"v1"`).Code)
}

func TestCreateOnlyPutSatisfiesRequire(t *testing.T) {
	docs := newDocuments(nil)
	h := protect(t, etag.Config{Require: middleware.Routes("PUT /{id}", "DELETE /{id}")}, docs)
	wantProblem(t, do(h, "PUT", "/a", "x"), 428, problem.KindPreconditionRequired, `"wanted_fields":["If-Match","If-None-Match"]`)
	wantProblem(t, do(h, "DELETE", "/a", ""), 428, problem.KindPreconditionRequired)
	wantProblem(t, do(h, "PUT", "/a", "x", "If-None-Match", `"v1"`), 428, problem.KindPreconditionRequired)
	wantProblem(t, do(h, "PUT", "/a", "x", "If-Unmodified-Since", at(then)), 428, problem.KindPreconditionRequired)
	assert.Equal(t, 200, do(h, "PUT", "/a", "x", "If-None-Match", "*").Code)
	assert.Equal(t, 412, do(h, "PUT", "/a", "y", "If-None-Match", "*").Code)
	assert.Equal(t, 200, do(h, "PATCH", "/a", "y").Code, "what is not required goes without")
	assert.Equal(t, 200, do(h, "GET", "/a", "").Code)
}

func TestRequireAsksSafeMethodsForNothing(t *testing.T) {
	h := protect(t, etag.Config{Require: func(*http.Request) bool { return true }}, newDocuments(map[string]string{"/a": "x"}))
	for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
		assert.Equal(t, 200, do(h, method, "/a", "").Code, method)
	}
	wantProblem(t, do(h, "POST", "/a", "x"), 428, problem.KindPreconditionRequired)
}

// TestDatesThatDecideNothing: the RFC has If-Unmodified-Since ignored where the
// resource has no date, and a write that Require protects must not go through
// on a precondition that was ignored.
func TestDatesThatDecideNothing(t *testing.T) {
	docs := newDocuments(map[string]string{"/a": "one"})
	state := etag.State{Exists: true, Tag: etag.FromVersion(7)}
	h := protect(t, etag.Config{
		Require: func(*http.Request) bool { return true }, AllowDates: true,
		Current: func(*http.Request) (etag.State, error) { return state, nil },
	}, docs)
	put := func() *httptest.ResponseRecorder { return do(h, "PUT", "/a", "x", "If-Unmodified-Since", at(then)) }
	wantProblem(t, put(), 428, problem.KindPreconditionRequired, "If-Unmodified-Since")
	state = etag.State{}
	wantProblem(t, put(), 428, problem.KindPreconditionRequired)
	assert.Zero(t, docs.writes.Load())
	state = etag.State{Exists: true, LastModified: then.Add(time.Second)}
	wantProblem(t, put(), 412, problem.KindVersionMismatch, `"failed_field":"If-Unmodified-Since"`)
	state.LastModified = then
	assert.Equal(t, 200, put().Code)
}

func TestProbeCarriesCallerFields(t *testing.T) {
	var asked http.Header
	var target, remote string
	h := protect(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			return
		}
		asked, target, remote = r.Header.Clone(), r.URL.String(), r.RemoteAddr
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.Empty(t, body)
		assert.Zero(t, r.ContentLength)
		w.Header().Set("ETag", `"v1"`)
	}))
	do(h, "PUT", "/a?tenant=7", "x", "If-Match", `"v1"`,
		"X-Api-Key", "k", "Authorization", "Bearer t", "Cookie", "c=d", "Accept", "text/plain", "X-Tenant", "7", "Accept-Language", "de",
		"If-None-Match", `"v2"`, "If-Unmodified-Since", at(then), "If-Range", `"r"`, "Range", "bytes=0-1", "Content-Type", "text/plain",
		"Content-Encoding", "gzip", "Idempotency-Key", "k1", "Connection", "X-Hop", "X-Hop", "1", "Te", "trailers", "Expect", "100-continue",
		"Transfer-Encoding", "chunked", "Upgrade", "h2c", "Keep-Alive", "1", "Prefer", "return=minimal")
	assert.Equal(t, http.Header{
		"X-Api-Key": {"k"}, "Authorization": {"Bearer t"}, "Cookie": {"c=d"}, "Accept": {"text/plain"}, "X-Tenant": {"7"}, "Accept-Language": {"de"},
		"Cache-Control": {"no-cache"}, // of the layer's own: a stored answer may be older than the last write
	}, asked)
	assert.Equal(t, "http://api.example/a?tenant=7", target)
	assert.NotEmpty(t, remote)
}

func TestWeakWithRequireIsRefused(t *testing.T) {
	_, err := etag.New(etag.Config{Weak: true, Require: middleware.Routes("PUT /{id}")})
	require.Error(t, err)
	assert.Contains(t, err.Error(), "Weak")
	_, err = etag.New(etag.Config{
		Weak: true, Require: middleware.Routes("PUT /{id}"), StaleStatus: 418, Gate: 9, MaxBody: -1, GateLease: -1, MaxRun: -1,
	})
	for _, field := range []string{"Weak", "StaleStatus", "Gate", "MaxBody", "GateLease", "MaxRun"} {
		assert.ErrorContains(t, err, "etag.Config."+field, "every mistake is reported at once")
	}
}

// TestFieldsOfReadsAskAWriteNothing: where there is no GET, a write with a field
// that the RFC has it ignore must not be refused for want of a validator.
func TestFieldsOfReadsAskAWriteNothing(t *testing.T) {
	h := protect(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
	}))
	for _, fields := range [][]string{{"If-Modified-Since", at(then)}, {"If-Range", `"a"`, "Range", "bytes=0-1"}, {"If-Unmodified-Since", "soon"}} {
		assert.Equal(t, 200, do(h, "PUT", "/a", "x", fields...).Code, fields)
	}
	wantProblem(t, do(h, "PUT", "/a", "x", "If-Unmodified-Since", at(then)), 500, problem.KindValidatorMissing)
}

func TestStaleStatusMayBe409(t *testing.T) {
	h := protect(t, etag.Config{StaleStatus: 409}, newDocuments(map[string]string{"/a": "x"}))
	wantProblem(t, do(h, "PUT", "/a", "y", "If-Match", `"old"`), 409, problem.KindVersionMismatch, `"status":409`)
}

func TestTransformedTags(t *testing.T) {
	docs := newDocuments(map[string]string{"/a": "one"})
	tag := tagOf(t, protect(t, etag.Config{}, docs), "/a")
	bare := strings.Trim(tag, `"`)
	strict, lenient := protect(t, etag.Config{}, docs), protect(t, etag.Config{AcceptTransformed: true}, docs)
	for _, sent := range []string{"W/" + tag, `"` + bare + `-gzip"`, `"` + bare + `--gzip"`, `W/"` + bare + `;gzip"`, `"` + bare + `-br"`} {
		assert.Equal(t, 412, do(strict, "PUT", "/a", "one", "If-Match", sent).Code, sent)
		assert.Equal(t, 200, do(lenient, "PUT", "/a", "one", "If-Match", sent).Code, sent)
		assert.Equal(t, 304, do(lenient, "GET", "/a", "", "If-None-Match", sent).Code, sent)
		assert.Equal(t, 412, do(lenient, "PUT", "/a", "one", "If-None-Match", sent).Code, sent)
	}
	assert.Equal(t, 412, do(lenient, "PUT", "/a", "two", "If-Match", `W/"other-gzip"`).Code)
}

func TestTagAfterTransformedPut(t *testing.T) {
	var store func(string) string
	docs := newDocuments(nil)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			body, _ := io.ReadAll(r.Body)
			docs.put(r.URL.Path, store(string(body)))
			_, _ = io.WriteString(w, "saved")
			return
		}
		docs.ServeHTTP(w, r)
	})
	for name, c := range map[string]etag.Config{
		"hash":    {TagAfterWrite: true},
		"no gate": {TagAfterWrite: true, Gate: etag.GateNone},
		"current": {TagAfterWrite: true, Current: func(r *http.Request) (etag.State, error) {
			text, ok := docs.text(r.URL.Path)
			return etag.State{Exists: ok, Tag: etag.FromVersion(uint64(len(text)))}, nil
		}},
	} {
		protected := protect(t, c, h)
		store = func(s string) string { return s }
		w := do(protected, "PUT", "/a", "as sent")
		assert.Equal(t, "saved", w.Body.String())
		assert.Equal(t, tagOf(t, protected, "/a"), w.Header().Get("ETag"), "%s: stored as sent", name)
		store = strings.ToUpper
		assert.Empty(t, do(protected, "PUT", "/a", "changed").Header().Get("ETag"), "%s: stored otherwise", name)
		assert.Empty(t, do(protected, "PATCH", "/a", "x").Header().Get("ETag"), name)
	}
	without := protect(t, etag.Config{}, h)
	store = func(s string) string { return s }
	assert.Empty(t, do(without, "PUT", "/a", "as sent").Header().Get("ETag"), "unless asked for")
}

func TestPreferRepresentationOnMismatch(t *testing.T) {
	for name, c := range map[string]etag.Config{"asked": {}, "current": {Current: dated}} {
		for _, r := range []struct{ contentType, body, want string }{
			{"application/json", `{"title":"new"}`, `"current":{"title":"new"}`},
			{"application/vnd.doc+json; v=1", `[1]`, `"current":[1]`},
			{"text/plain", `a "text"`, `"current":"a \"text\""`},
			{"application/json", `{broken`, ""},
			{"image/png", "\x89PNG", ""},
		} {
			h := protect(t, c, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", r.contentType)
				_, _ = io.WriteString(w, r.body)
			}))
			w := do(h, "PUT", "/a", "x", "If-Match", `"old"`, "Prefer", "wait=5, return=representation; x")
			wantProblem(t, w, 412, problem.KindVersionMismatch, r.want)
			assert.Equal(t, r.want != "", strings.Contains(w.Body.String(), `"current":`), "%s %s", name, r.contentType)
			assert.Equal(t, r.want != "", w.Header().Get("Preference-Applied") == "return=representation")
			for _, prefer := range []string{"", "return=minimal", "return=minimal, return=representation", "returns=representation", strings.Repeat("x", 2000) + ", return=representation"} {
				w := do(h, "PUT", "/a", "x", "If-Match", `"old"`, "Prefer", prefer)
				assert.NotContains(t, w.Body.String(), `"current":`, "%s: Prefer: %.30s", name, prefer)
			}
		}
	}
}

func TestFromContextTellsTheHandlerWhatWasChecked(t *testing.T) {
	tokens := []uint64{}
	h := protect(t, etag.Config{Current: dated}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		c, ok := etag.FromContext(r.Context())
		if r.Method == http.MethodPost {
			assert.False(t, ok)
			return
		}
		if !assert.True(t, ok) {
			return
		}
		tokens = append(tokens, c.Token)
		if tags, _ := c.Preconditions.IfMatch(); len(tags) > 0 {
			version, _ := c.State.Tag.Version()
			assert.EqualValues(t, 7, version)
			assert.Equal(t, etag.FromVersion(7), tags[0])
		}
	}))
	do(h, "PUT", "/a", "", "If-Match", `"v7"`)
	do(h, "PUT", "/a", "")
	do(h, "POST", "/a", "")
	require.Len(t, tokens, 2)
	assert.Positive(t, tokens[0])
	assert.Greater(t, tokens[1], tokens[0], "fencing tokens grow")
	_, ok := etag.FromContext(t.Context())
	assert.False(t, ok)
}
