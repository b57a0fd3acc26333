package etag_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

// What the question for the validator once did to the write that it is asked
// for, and to those who are asked.

// shift cuts the first element off a path, as hand-written routers do.
func shift(p string) (head, rest string) {
	head, rest, _ = strings.Cut(path.Clean("/" + p)[1:], "/")
	return head, "/" + rest
}

// TestAHandlerThatChangesItsRequestChangesNoOther: one that consumes its path,
// path values, form and fields as it goes must find all of it as it was, when it
// is asked for the validator, when it writes, and when it is asked once more.
func TestAHandlerThatChangesItsRequestChangesNoOther(t *testing.T) {
	for name, c := range map[string]etag.Config{
		"asked before":            {},
		"asked before and after":  {TagAfterWrite: true},
		"without a gate":          {TagAfterWrite: true, Gate: etag.GateNone},
		"asked after the current": {TagAfterWrite: true, Current: func(*http.Request) (etag.State, error) { return hashed("one"), nil }},
	} {
		t.Run(name, func(t *testing.T) {
			stored := map[string]string{"1": "one"}
			var resources []string
			c.Observer = observerFunc(func(e middleware.Event) { resources = append(resources, e.Resource) })
			h := protect(t, c, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var head, id string
				head, r.URL.Path = shift(r.URL.Path)
				id, r.URL.Path = shift(r.URL.Path)
				assert.Equal(t, "documents", head, r.Method)
				assert.Equal(t, "1", r.PathValue("id"), r.Method)
				assert.Equal(t, "me", r.FormValue("by"), r.Method)
				assert.Equal(t, "7", r.Header.Get("X-Tenant"), r.Method)
				r.SetPathValue("id", "2")
				r.Form.Set("by", "nobody")
				r.Header.Set("X-Tenant", "8")
				if r.Method == http.MethodGet {
					_, _ = io.WriteString(w, stored[id])
					return
				}
				body, _ := io.ReadAll(r.Body)
				stored[id] = string(body)
			}))
			mux := http.NewServeMux()
			mux.HandleFunc("/documents/{id}", func(w http.ResponseWriter, r *http.Request) {
				assert.NoError(t, r.ParseForm())
				h.ServeHTTP(w, r)
			})
			w := do(mux, "PUT", "/documents/1?by=me", "two", "If-Match", etag.Of([]byte("one")).String(), "X-Tenant", "7")
			assert.Equal(t, 200, w.Code, w.Body)
			assert.Equal(t, map[string]string{"1": "two"}, stored)
			assert.Equal(t, []string{"/documents/1"}, resources)
			if c.TagAfterWrite && c.Current == nil {
				assert.Equal(t, etag.Of([]byte("two")).String(), w.Header().Get("ETag"))
			}
		})
	}
}

func hashed(text string) etag.State { return etag.State{Exists: true, Tag: etag.Of([]byte(text))} }

// TestTheQuestionIsNoWrite: nothing of the request may make a write of it again,
// or have it answered from what a cache keeps.
func TestTheQuestionIsNoWrite(t *testing.T) {
	var asked *http.Request
	h := protect(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			asked = r
			w.Header().Set("ETag", `"v1"`)
		}
	}))
	r := httptest.NewRequest("POST", "/a", strings.NewReader("title=x"))
	r.TransferEncoding, r.Trailer = []string{"chunked"}, http.Header{"X-Sum": nil}
	r.Form, r.PostForm = url.Values{"title": {"x"}}, url.Values{"title": {"x"}}
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
		r.Header.Set(name, "DELETE")
	}
	r.Header["Cache-Control"] = []string{"max-stale=3600", "only-if-cached"}
	r.Header.Set("Pragma", "x")
	r.Header.Set("If-Match", `"v0"`)
	fields := r.Header.Clone()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	require.Equal(t, 412, w.Code)
	assert.Equal(t, http.Header{"Cache-Control": {"no-cache"}}, asked.Header)
	assert.Nil(t, asked.TransferEncoding)
	assert.Nil(t, asked.Trailer)
	assert.Empty(t, asked.Form)
	assert.Empty(t, asked.PostForm)
	assert.Equal(t, http.NoBody, asked.Body)
	assert.Equal(t, fields, r.Header, "the caller's request is as it was")
}

// TestAProxyThatIsCutOffHasAnswered: ReverseProxy panics when the layer has
// heard enough of an answer and cancels its request. That is not the client's
// connection going down.
func TestAProxyThatIsCutOffHasAnswered(t *testing.T) {
	writes := 0
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			writes++
			return
		}
		w.Header().Set("ETag", `"v1"`)
		if r.URL.Path == "/private" {
			w.WriteHeader(401)
		}
		for r.Context().Err() == nil {
			_, _ = w.Write(make([]byte, 4<<10))
			w.(http.Flusher).Flush()
		}
	}))
	t.Cleanup(upstream.Close)
	target, err := url.Parse(upstream.URL)
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorLog = log.New(io.Discard, "", 0)
	s := serve(t, etag.Config{MaxBody: 16 << 10}, proxy)

	for _, c := range []struct {
		method, path, field, tag string
		status, writes           int
	}{
		{"PUT", "/a", "If-Match", `"v1"`, 200, 1},
		{"PUT", "/a", "If-Match", `"v0"`, 412, 0},
		{"PUT", "/private", "If-Match", `"v1"`, 401, 0},
		{"HEAD", "/a", "If-None-Match", `"v0"`, 200, 0},
		{"HEAD", "/a", "If-None-Match", `"v1"`, 304, 0},
		{"HEAD", "/a", "If-Match", `"v0"`, 412, 0},
	} {
		writes = 0
		res := exchange(t, s, c.method, c.path, c.field, c.tag)
		assert.Equal(t, c.status, res.StatusCode, "%v", c)
		assert.Equal(t, c.writes, writes, "%v", c)
	}
}

// exchange sends a request without a body over a connection, and reads the
// answer to its end.
func exchange(t *testing.T, s *httptest.Server, method, target string, fields ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+target, http.NoBody)
	require.NoError(t, err)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	res, err := s.Client().Do(r)
	require.NoError(t, err)
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	res.Body = io.NopCloser(strings.NewReader(string(body)))
	return res
}

// TestAHandlerThatReturnsItsContextsErrorHasAnswered: the layer cancels the
// context of a handler that it has heard enough of.
func TestAHandlerThatReturnsItsContextsErrorHasAnswered(t *testing.T) {
	chunks := 0
	s := serve(t, etag.Config{MaxBody: 1 << 10}, problem.Responder(nil).HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		if r.Method != http.MethodGet {
			return nil
		}
		w.Header().Set("ETag", `"v1"`)
		for chunks = range 100 {
			_, _ = w.Write(make([]byte, 100))
			if err := r.Context().Err(); err != nil {
				return err
			}
		}
		return nil
	}))
	assert.Equal(t, 200, exchange(t, s, "HEAD", "/a", "If-None-Match", `"v0"`).StatusCode)
	assert.Less(t, chunks, 20, "told to stop")
	assert.Equal(t, 304, exchange(t, s, "HEAD", "/a", "If-None-Match", `"v1"`).StatusCode)
	assert.Equal(t, 200, exchange(t, s, "PUT", "/a", "If-Match", `"v1"`).StatusCode)
	assert.Less(t, chunks, 20, "told to stop")
	assert.Equal(t, 412, exchange(t, s, "PUT", "/a", "If-Match", `"v0"`).StatusCode)
}

// TestAPanicInTheQuestionThatIsNoAbortGoesOn: only what the layer caused is its
// own to recover from.
func TestAPanicInTheQuestionThatIsNoAbortGoesOn(t *testing.T) {
	for _, method := range []string{"PUT", "HEAD"} {
		h := protect(t, etag.Config{MaxBody: 10}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", `"v1"`)
			_, _ = w.Write(make([]byte, 100))
			panic("a fault")
		}))
		assert.PanicsWithValue(t, "a fault", func() { do(h, method, "/a", "", "If-Match", `"v1"`) }, method)
	}
}

func TestGoneIsAbsent(t *testing.T) {
	writes := 0
	h := protect(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.WriteHeader(http.StatusGone)
			return
		}
		writes++
	}))
	wantProblem(t, do(h, "PUT", "/a", "x", "If-Match", "*"), 412, problem.KindVersionMismatch)
	assert.Equal(t, 200, do(h, "PUT", "/a", "x", "If-None-Match", "*").Code)
	assert.Equal(t, 1, writes)
}

// TestTheHandlersRefusalIsOne: layers outside must know that nothing was done.
func TestTheHandlersRefusalIsOne(t *testing.T) {
	h := protect(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }))
	for field, refused := range map[string]bool{"If-Match": true, "X-Other": false} {
		rec, _ := middleware.Record(httptest.NewRecorder())
		r := httptest.NewRequest("PUT", "/a", http.NoBody)
		r.Header.Set(field, `"v1"`)
		h.ServeHTTP(rec, r)
		assert.Equal(t, 403, rec.Status())
		assert.Equal(t, refused, rec.Refused(), field)
	}
}

// TestAStreamedRefusalHasNoLength: what there is of its body is not what its
// Content-Length says.
func TestAStreamedRefusalHasNoLength(t *testing.T) {
	s := serve(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "4")
		w.WriteHeader(403)
		_, _ = io.WriteString(w, "none")
		w.(http.Flusher).Flush()
	}))
	res := exchange(t, s, "PUT", "/a", "If-Match", `"v1"`)
	assert.Equal(t, 403, res.StatusCode)
	assert.Zero(t, res.ContentLength)
}

// TestAHandlerThatSetsDeadlinesCanBeAsked: there is no connection that a
// deadline could be set on, and that is no error of the handler's.
func TestAHandlerThatSetsDeadlinesCanBeAsked(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		err := errors.Join(c.SetWriteDeadline(then), c.SetReadDeadline(then), c.EnableFullDuplex())
		if r.Method == http.MethodGet && err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, "one")
	})
	w := do(protect(t, etag.Config{}, h), "PUT", "/a", "x", "If-Match", etag.Of([]byte("one")).String())
	assert.Equal(t, 200, w.Code, w.Body)
}

// TestARouteOfOneMethodIsNeverAsked: not for what Prefer wants, nor for the tag
// after a write. It would do its work again.
func TestARouteOfOneMethodIsNeverAsked(t *testing.T) {
	for name, c := range map[string]struct {
		config etag.Config
		fields []string
		runs   int
	}{
		"Prefer":        {etag.Config{Current: dated}, []string{"If-Match", `"v0"`, "Prefer", "return=representation"}, 0},
		"TagAfterWrite": {etag.Config{TagAfterWrite: true, Current: dated}, nil, 1},
	} {
		runs := 0
		mux := http.NewServeMux()
		mux.Handle("PUT /a", protect(t, c.config, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { runs++ })))
		w := do(mux, "PUT", "/a", "", c.fields...)
		assert.Equal(t, c.runs, runs, name)
		assert.Empty(t, w.Header().Get("Preference-Applied"), name)
	}
}

// TestPreferGetsWholeRepresentationsAlone: a part of one, or what is left of a
// stream, is nothing to merge a change with.
func TestPreferGetsWholeRepresentationsAlone(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"a part":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(206); fmt.Fprint(w, "one") },
		"an error": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404); fmt.Fprint(w, "one") },
		"a coded one": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "x")
			fmt.Fprint(w, "one")
		},
		"a flushed one": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "one"); w.(http.Flusher).Flush() },
		"a large one":   func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("one", 1<<10)) },
	} {
		h := protect(t, etag.Config{Current: dated, MaxBody: 1 << 10}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			answer(w, r)
		}))
		w := do(h, "PUT", "/a", "x", "If-Match", `"old"`, "Prefer", "return=representation")
		wantProblem(t, w, 412, problem.KindVersionMismatch)
		assert.NotContains(t, w.Body.String(), `"current":`, name)
	}
}

// TestTheQuestionsMemoryIsFreed: whoever still has its writer gets an error, and
// its buffer is somebody else's.
func TestTheQuestionsMemoryIsFreed(t *testing.T) {
	for question, status := range map[string]int{"200 new": 200, "200 old": 412, "403 old": 403, "500 old": 503} {
		var left http.ResponseWriter
		code, tag, _ := strings.Cut(question, " ")
		h := protect(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				left = w
				w.Header().Set("ETag", `"new"`)
				w.WriteHeader(map[string]int{"200": 200, "403": 403, "500": 500}[code])
			}
		}))
		require.Equal(t, status, do(h, "PUT", "/a", "x", "If-Match", `"`+tag+`"`).Code)
		_, err := io.WriteString(left, "x")
		assert.ErrorIs(t, err, http.ErrHandlerTimeout, question)
	}
}

var errBrokenOff = errors.New("the body broke off")

func brokenOff(text string) io.Reader {
	return io.MultiReader(strings.NewReader(text), iotest.ErrReader(errBrokenOff))
}

// TestTheQuestionsWriterIsClosedOnceItIsAnswered: a goroutine left behind by
// the question must not share the fields that the layer goes on to read.
func TestTheQuestionsWriterIsClosedOnceItIsAnswered(t *testing.T) {
	var asked http.ResponseWriter
	looked := false
	hash := sumFunc(func(body []byte) etag.Tag {
		looked = true
		_, err := asked.Write([]byte("late"))
		assert.ErrorIs(t, err, http.ErrHandlerTimeout)
		assert.Empty(t, asked.Header())
		return etag.Of(body)
	})
	h := protect(t, etag.Config{Hash: hash}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Kept", "1")
		_, _ = io.WriteString(w, "one")
		asked = w
	}))
	assert.Equal(t, 412, do(h, "PUT", "/a", "x", "If-Match", `"v1"`).Code)
	assert.True(t, looked)
}

type sumFunc func([]byte) etag.Tag

func (f sumFunc) Sum(body []byte) etag.Tag { return f(body) }

// TestAnAbortOfTheHandlersOwnIsNoAnswer: only a handler that the layer itself
// has stopped may leave its answer incomplete.
func TestAnAbortOfTheHandlersOwnIsNoAnswer(t *testing.T) {
	for _, method := range []string{http.MethodPut, http.MethodHead} {
		ctx, leave := context.WithCancel(t.Context())
		wrote := false
		h := protect(t, etag.Config{Gate: etag.GateNone}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut {
				wrote = true
				return
			}
			_, _ = io.WriteString(w, "half")
			leave() // a deadline of the server's, say
			panic(http.ErrAbortHandler)
		}))
		r := httptest.NewRequestWithContext(ctx, method, "/a", nil)
		r.Header.Set("If-None-Match", `"tag-of-the-whole"`)
		assert.PanicsWithValue(t, http.ErrAbortHandler, func() { h.ServeHTTP(httptest.NewRecorder(), r) }, method)
		assert.False(t, wrote)
	}
}
