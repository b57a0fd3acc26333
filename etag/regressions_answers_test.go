package etag_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/middleware/problem"
)

// What the layer once did to the answers of handlers.

// TestReadersOfTheLayersTagMaySendItBack: http.ServeContent judges
// preconditions by itself, and knows nothing of a tag that it did not set.
func TestReadersOfTheLayersTagMaySendItBack(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a"), []byte("0123456789"), 0o600))
	h := protect(t, etag.Config{}, http.FileServer(http.Dir(dir)))
	tag := tagOf(t, h, "/a")
	for _, c := range []struct {
		method, field, value string
		status               int
	}{
		{"GET", "If-Match", tag, 200},
		{"HEAD", "If-Match", tag, 200},
		{"GET", "If-Match", `"stale"`, 412},
		{"HEAD", "If-Match", `"stale"`, 412},
		{"GET", "If-None-Match", tag, 304},
		{"HEAD", "If-None-Match", tag, 304},
		{"GET", "If-None-Match", `"stale"`, 200},
		{"GET", "If-Unmodified-Since", "Mon, 01 Jan 2001 00:00:00 GMT", 412},
		{"GET", "If-Modified-Since", "Mon, 01 Jan 2001 00:00:00 GMT", 200},
	} {
		assert.Equal(t, c.status, do(h, c.method, "/a", "", c.field, c.value).Code, "%v", c)
	}
	w := do(h, "GET", "/a", "", "If-Match", tag, "Range", "bytes=2-3", "If-Range", tag)
	assert.Equal(t, "200 0123456789", fmt.Sprint(w.Code, " ", w.Body), "a part has no tag to be judged by")
	assert.Equal(t, 206, do(h, "GET", "/a", "", "Range", "bytes=2-3").Code, "and alone it is had")
}

// TestTheCallersFieldsStay: what handlers must not see of a request, layers
// outside still do.
func TestTheCallersFieldsStay(t *testing.T) {
	for name, c := range map[string]etag.Config{"current": {Current: dated}, "answer": {}} {
		for _, field := range []string{"If-Range", "If-Match"} {
			seen := http.Header{}
			h := protect(t, c, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen = r.Header.Clone()
				w.Header().Set("ETag", `"v7"`)
			}))
			r := httptest.NewRequest("GET", "/a", http.NoBody)
			r.Header.Set("Range", "bytes=0-1")
			r.Header.Set(field, map[string]string{"If-Range": `"v6"`, "If-Match": `"v7"`}[field])
			before := r.Header.Clone()
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			assert.Equal(t, 200, w.Code)
			assert.Equal(t, before, r.Header, "%s %s", name, field)
			ignored := name == "current" == (field == "If-Range")
			assert.Equal(t, !ignored, seen.Get("Range") != "", "%s %s", name, field)
		}
	}
}

// TestAnswersWithTrailersAreJudged, though they cannot be held back.
func TestAnswersWithTrailersAreJudged(t *testing.T) {
	for _, own := range []string{`"v1"`, "v1"} {
		s := serve(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "X-Sum")
			w.Header().Set("ETag", own)
			_, _ = io.WriteString(w, "one")
			w.Header().Set("X-Sum", "1")
		}))
		res := exchange(t, s, "GET", "/a")
		assert.Equal(t, 200, res.StatusCode)
		assert.Equal(t, `"v1"`, res.Header.Get("ETag"))
		assert.Equal(t, "1", res.Trailer.Get("X-Sum"))
		assert.Equal(t, 412, exchange(t, s, "GET", "/a", "If-Match", `"v0"`).StatusCode)
		assert.Equal(t, 200, exchange(t, s, "GET", "/a", "If-Match", `"v1"`).StatusCode)
		assert.Equal(t, 304, exchange(t, s, "GET", "/a", "If-None-Match", `"v1"`).StatusCode)
	}
}

// TestUndeclaredTrailersAreSent, also those of an answer that was held back.
func TestUndeclaredTrailersAreSent(t *testing.T) {
	s := serve(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, 64<<10)) // what the server itself holds back has a Content-Length, and none
		w.Header().Set(http.TrailerPrefix+"X-Sum", "1")
	}))
	res := exchange(t, s, "GET", "/a")
	assert.NotEmpty(t, res.Header.Get("ETag"))
	assert.Equal(t, "1", res.Trailer.Get("X-Sum"))
}

// TestATagUnderItsRawNameIsOne: a handler can put it into the map past Set.
func TestATagUnderItsRawNameIsOne(t *testing.T) {
	s := serve(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["ETag"] = []string{`"own"`}
		_, _ = io.WriteString(w, "one")
	}))
	for _, method := range []string{"GET", "HEAD", "PUT"} {
		assert.Equal(t, []string{`"own"`}, exchange(t, s, method, "/a").Header["Etag"], method)
		assert.Equal(t, 200, exchange(t, s, method, "/a", "If-Match", `"own"`).StatusCode, method)
		assert.Equal(t, 412, exchange(t, s, method, "/a", "If-Match", `"x"`).StatusCode, method)
	}
	assert.Equal(t, 304, exchange(t, s, "GET", "/a", "If-None-Match", `"own"`).StatusCode)
}

// TestTwoTagsAreNone: a client could not tell which to send back.
func TestTwoTagsAreNone(t *testing.T) {
	h := protect(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Etag"] = []string{`"a"`, `"b"`}
		_, _ = io.WriteString(w, "one")
	}))
	tag := etag.Of([]byte("one")).String()
	assert.Equal(t, []string{tag}, do(h, "GET", "/a", "").Header()["Etag"])
	assert.Equal(t, 200, do(h, "PUT", "/a", "x", "If-Match", tag).Code)
	assert.Equal(t, 412, do(h, "PUT", "/a", "x", "If-Match", `"a"`).Code)
}

// TestMoreThanWasDeclaredIsCutOff, as the server does it: not the whole answer.
func TestMoreThanWasDeclaredIsCutOff(t *testing.T) {
	s := serve(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "2")
		_, err := io.WriteString(w, "ok")
		assert.NoError(t, err)
		_, err = io.WriteString(w, "\n")
		assert.ErrorIs(t, err, http.ErrContentLength)
	}))
	for _, method := range []string{"GET", "PUT"} {
		res := exchange(t, s, method, "/a")
		body, _ := io.ReadAll(res.Body)
		assert.Equal(t, "200 2 ok", fmt.Sprint(res.StatusCode, " ", res.ContentLength, " ", string(body)), method)
	}
}

// TestAnAnswerThatCannotBeFlushedIsTheHandlers: where there is nothing to flush
// to, it may answer otherwise.
func TestAnAnswerThatCannotBeFlushedIsTheHandlers(t *testing.T) {
	h := protect(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := http.NewResponseController(w).Flush(); err != nil {
			http.Error(w, "no streams here", http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, "streamed")
	}))
	for _, method := range []string{"GET", "PUT"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(struct{ http.ResponseWriter }{w}, httptest.NewRequest(method, "/a", http.NoBody))
		assert.Equal(t, "500 no streams here\n", fmt.Sprint(w.Code, " ", w.Body), method)
	}
	assert.Equal(t, "streamed", do(h, "GET", "/a", "").Body.String())
}

// TestAnInvalidStatusPanicsInTheHandler, which may recover and answer 500; not
// when the answer is sent, behind its back.
func TestAnInvalidStatusPanicsInTheHandler(t *testing.T) {
	for _, status := range []int{0, 99, 1000, -1} {
		h := protect(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			defer func() {
				assert.NotNil(t, recover(), status)
				http.Error(w, "oops", http.StatusInternalServerError)
			}()
			w.WriteHeader(status)
		}))
		for _, method := range []string{"GET", "PUT"} {
			assert.Equal(t, 500, do(h, method, "/a", "").Code, "%s %d", method, status)
		}
	}
}

// TestAConditionalHeadHasTheTypeOfItsGet, which the server finds in the body.
func TestAConditionalHeadHasTheTypeOfItsGet(t *testing.T) {
	for contentType, body := range map[string]string{"text/html; charset=utf-8": "<html>x", "image/png": "\x89PNG\x0D\x0A\x1A\x0A", "": ""} {
		s := serve(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
		get, head := exchange(t, s, "GET", "/a"), exchange(t, s, "HEAD", "/a", "If-None-Match", `"x"`)
		assert.Equal(t, contentType, get.Header.Get("Content-Type"))
		assert.Equal(t, contentType, head.Header.Get("Content-Type"))
		assert.Equal(t, get.Header.Get("ETag"), head.Header.Get("ETag"))
	}
	s := serve(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "x")
		_, _ = io.WriteString(w, "<html>")
	}))
	assert.Empty(t, exchange(t, s, "HEAD", "/a", "If-None-Match", `"x"`).Header.Get("Content-Type"), "which is not that of coded content")
}

// TestStraysNeverGetIntoTheAnswerInstead: a read whose If-Match failed is
// answered in place of the handler, and of whoever it left behind.
func TestStraysNeverGetIntoTheAnswerInstead(t *testing.T) {
	for name, field := range map[string]string{"own tag": `"v1"`, "hash": ""} {
		var left http.ResponseWriter
		var fields http.Header
		h := protect(t, etag.Config{Respond: func(w http.ResponseWriter, _ *http.Request, p *problem.Problem) {
			_, err := io.WriteString(left, "secret")
			assert.ErrorIs(t, err, http.ErrHandlerTimeout)
			left.WriteHeader(200)
			left.Header().Set("X-Secret", "1")
			fields.Set("X-Secret", "1")
			fields.Set(http.TrailerPrefix+"X-Secret", "1")
			p.WriteHeader(w)
			_, _ = io.WriteString(w, "stale")
			_, _ = io.WriteString(left, "secret")
		}}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			left = w
			if field != "" {
				w.Header().Set("ETag", field)
			}
			_, _ = io.WriteString(w, "secret")
			fields = w.Header()
		}))
		w := do(h, "GET", "/a", "", "If-Match", `"v0"`)
		assert.Equal(t, "412 stale", fmt.Sprint(w.Code, " ", w.Body), name)
		assert.NotContains(t, fmt.Sprint(w.Header(), w.Result().Trailer), "Secret", name)
	}
}

// TestAGoroutineLeftBehindMayLookAtFields while the layer sets its own: reading
// a map that another goroutine writes to ends the process.
func TestAGoroutineLeftBehindMayLookAtFields(t *testing.T) {
	for name, c := range map[string]struct {
		config      etag.Config
		method, own string
		fields      []string
	}{
		"a hash":                       {etag.Config{}, "GET", "", nil},
		"a hash that is judged":        {etag.Config{}, "GET", "", []string{"If-None-Match", `"x"`}},
		"a tag put in quotes":          {etag.Config{}, "GET", "own", nil},
		"not modified":                 {etag.Config{}, "GET", "", []string{"If-None-Match", "*"}},
		"a failed read":                {etag.Config{}, "GET", "", []string{"If-Match", `"x"`}},
		"a write that is tagged":       {etag.Config{TagAfterWrite: true}, "PUT", "", nil},
		"a write's tag put in quotes":  {etag.Config{}, "PUT", "own", nil},
		"a question that is answered":  {etag.Config{}, "PUT", "own", []string{"If-Match", `"own"`}},
		"a write that a stamp follows": {etag.Config{Current: dated, TagAfterWrite: true}, "PUT", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			var left sync.WaitGroup
			h := protect(t, c.config, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for i := range 8 {
					w.Header().Set(fmt.Sprint("X-", i), "1")
				}
				if c.own != "" {
					w.Header().Set("ETag", c.own)
				}
				_, _ = io.WriteString(w, "one")
				begun := make(chan struct{})
				left.Go(func() {
					close(begun)
					for range 200 {
						_ = w.Header().Get("ETag")
					}
				})
				<-begun
			}))
			for range 500 {
				do(h, c.method, "/a", "one", c.fields...)
			}
			left.Wait()
		})
	}
}

// TestASubRequestHasItsOwnTag: a page that is put together from fragments runs
// them on its own context.
func TestASubRequestHasItsOwnTag(t *testing.T) {
	versions := map[string]uint64{"/page": 9, "/fragment": 7}
	var h http.Handler
	var fragment, again string
	asks := map[string]int{}
	h = protect(t, etag.Config{Current: func(r *http.Request) (etag.State, error) {
		asks[r.URL.Path]++
		return etag.State{Exists: true, Tag: etag.FromVersion(versions[r.URL.Path])}, nil
	}}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/page" {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequestWithContext(r.Context(), "GET", "/fragment", http.NoBody))
			fragment = w.Header().Get("ETag")
			versions["/page"]++ // what a write does
		}
	}))
	for _, method := range []string{"GET", "PUT"} {
		for _, fields := range [][]string{nil, {"If-Match", "*"}, {"If-None-Match", `"v1"`}} {
			do(h, method, "/page", "", fields...)
			assert.Equal(t, `"v7"`, fragment, "%s %v", method, fields)
		}
	}
	other := protect(t, etag.Config{Current: func(*http.Request) (etag.State, error) {
		return etag.State{Exists: true, Tag: etag.FromVersion(5)}, nil
	}},
		http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	l := layer(t, etag.Config{Current: dated})
	l.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		w := httptest.NewRecorder()
		other.ServeHTTP(w, httptest.NewRequestWithContext(r.Context(), "GET", "/a", http.NoBody))
		again = w.Header().Get("ETag")
	})).ServeHTTP(httptest.NewRecorder(), conditional("/a"))
	assert.Equal(t, `"v5"`, again, "another layer asks its own Current")
}

func conditional(target string) *http.Request {
	r := httptest.NewRequest("GET", target, strings.NewReader(""))
	r.Header.Set("If-None-Match", `"none"`)
	return r
}
