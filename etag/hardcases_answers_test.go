package etag_test

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/middleware/problem"
)

// The faults of other implementations in what they do to answers.

// serve runs h behind the layer on a real connection.
func serve(t *testing.T, c etag.Config, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(protect(t, c, h))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func TestWriteResponseIsNotHashed(t *testing.T) {
	h := protect(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "saved") }))
	for _, method := range []string{"PUT", "POST", "PATCH", "DELETE"} {
		assert.Empty(t, do(h, method, "/a", "x").Header().Get("ETag"), method)
	}
}

func TestErrorsCarryNoTag(t *testing.T) {
	for _, status := range []int{204, 205, 206, 301, 304, 400, 401, 404, 500} {
		h := protect(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			if status >= 400 {
				_, _ = io.WriteString(w, "{}")
			}
		}))
		assert.Empty(t, do(h, "GET", "/a", "").Header().Get("ETag"), status)
	}
}

func TestHeadIsNotHashed(t *testing.T) {
	docs := newDocuments(map[string]string{"/a": "one"})
	h := protect(t, etag.Config{}, docs)
	assert.Empty(t, do(h, "HEAD", "/a", "").Header().Get("ETag"), "the hash of no body is nobody's tag")
	tag := tagOf(t, h, "/a")
	w := do(h, "HEAD", "/a", "", "If-None-Match", tag)
	assert.Equal(t, 304, w.Code, "with a condition it is run as a GET")
	assert.Equal(t, tag, w.Header().Get("ETag"))
	w = do(h, "HEAD", "/a", "", "If-None-Match", `"old"`)
	assert.Equal(t, 200, w.Code)
	assert.Equal(t, tag, w.Header().Get("ETag"))
	assert.Empty(t, w.Body.String())
	assert.Equal(t, "3", w.Header().Get("Content-Length"))
	assert.Equal(t, `"v7"`, do(protect(t, etag.Config{Current: dated}, docs), "HEAD", "/a", "").Header().Get("ETag"))
}

// TestHeadOfAnEndlessAnswerEnds: run as a GET, a HEAD must not inherit a body
// without end.
func TestHeadOfAnEndlessAnswerEnds(t *testing.T) {
	s := serve(t, etag.Config{MaxBody: 1 << 10}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write(make([]byte, 100))
		}
	}))
	r, err := http.NewRequest(http.MethodHead, s.URL, nil)
	require.NoError(t, err)
	r.Header.Set("If-None-Match", `"x"`)
	res, err := s.Client().Do(r)
	require.NoError(t, err)
	assert.Equal(t, 200, res.StatusCode)
	require.NoError(t, res.Body.Close())
}

func TestHandlerWritesNothing(t *testing.T) {
	h := protect(t, etag.Config{}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	w := do(h, "GET", "/a", "")
	assert.Equal(t, 200, w.Code)
	assert.Equal(t, etag.Of(nil).String(), w.Header().Get("ETag"))
	assert.Equal(t, 304, do(h, "GET", "/a", "", "If-None-Match", etag.Of(nil).String()).Code)
	assert.Equal(t, 200, do(h, "PUT", "/a", "").Code)
	assert.Equal(t, 200, do(h, "HEAD", "/a", "", "If-None-Match", `"x"`).Code)
}

func TestStreamIsNotBuffered(t *testing.T) {
	for name, begin := range map[string]func(http.ResponseWriter){
		"server-sent events": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: 1\n\n")
			w.(http.Flusher).Flush()
		},
		"flushed": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, "data: 1\n\n")
			w.(http.Flusher).Flush()
		},
		"flushed through the controller, no-store": func(w http.ResponseWriter) {
			w.Header().Set("Cache-Control", "no-store")
			_, _ = io.WriteString(w, "data: 1\n\n")
			_ = http.NewResponseController(w).Flush()
		},
	} {
		for _, method := range []string{"GET", "POST", "PUT"} {
			t.Run(name+" "+method, func(t *testing.T) {
				end := make(chan struct{})
				s := serve(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					begin(w)
					<-end
				}))
				defer close(end)
				r, err := http.NewRequest(method, s.URL, nil)
				require.NoError(t, err)
				r.Header.Set("If-None-Match", `"x"`)
				if method != "GET" {
					r.Header.Del("If-None-Match")
				}
				res, err := s.Client().Do(r)
				require.NoError(t, err)
				defer res.Body.Close()
				line, err := bufio.NewReader(res.Body).ReadString('\n')
				require.NoError(t, err)
				assert.Equal(t, "data: 1\n", line, "while the handler still runs")
				assert.Empty(t, res.Header.Get("ETag"))
			})
		}
	}
}

func TestFlushCommits201(t *testing.T) {
	for _, method := range []string{"GET", "PUT", "POST"} {
		s := serve(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusCreated)
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, "body")
		}))
		r, err := http.NewRequest(method, s.URL, nil)
		require.NoError(t, err)
		res, err := s.Client().Do(r)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		assert.Equal(t, 201, res.StatusCode, method)
		assert.Equal(t, "body", string(body), method)
	}
}

func TestHijackAndWebSocket(t *testing.T) {
	for _, fields := range []map[string]string{{}, {"If-None-Match": `"x"`}} {
		s := serve(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			_ = rw.Flush()
			line, _ := rw.ReadString('\n')
			_, _ = rw.WriteString("echo " + line)
			_ = rw.Flush()
		}))
		r, err := http.NewRequest("GET", s.URL, nil)
		require.NoError(t, err)
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "websocket")
		for name, value := range fields {
			r.Header.Set(name, value)
		}
		res, err := s.Client().Do(r)
		require.NoError(t, err)
		require.Equal(t, 101, res.StatusCode)
		_, err = io.WriteString(res.Body.(io.Writer), "hello\n")
		require.NoError(t, err)
		line, err := bufio.NewReader(res.Body).ReadString('\n')
		require.NoError(t, err)
		assert.Equal(t, "echo hello\n", line)
		require.NoError(t, res.Body.Close())
	}
}

func TestEarlyHints103(t *testing.T) {
	for _, method := range []string{"GET", "PUT"} {
		s := serve(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "</s.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			_, _ = io.WriteString(w, "page")
		}))
		var hints []int
		r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
				hints = append(hints, code)
				return nil
			},
		}), method, s.URL, nil)
		require.NoError(t, err)
		res, err := s.Client().Do(r)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		assert.Equal(t, []int{103}, hints)
		assert.Equal(t, 200, res.StatusCode)
		if method == "GET" {
			assert.Equal(t, etag.Of([]byte("page")).String(), res.Header.Get("ETag"))
		}
	}
}

func TestTrailers(t *testing.T) {
	for _, method := range []string{"GET", "PUT"} {
		s := serve(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", "X-Sum")
			_, _ = io.WriteString(w, "body")
			w.Header().Set("X-Sum", "42")
			w.Header().Set(http.TrailerPrefix+"X-More", "43")
		}))
		r, err := http.NewRequest(method, s.URL, strings.NewReader("x"))
		require.NoError(t, err)
		res, err := s.Client().Do(r)
		require.NoError(t, err)
		_, err = io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		assert.Equal(t, http.Header{"X-Sum": {"42"}, "X-More": {"43"}}, res.Trailer)
		assert.Empty(t, res.Header.Get("X-Sum"))
	}
}

func TestReaderFrom(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	content := strings.Repeat("0123456789", 5000)
	require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
	for _, maxBody := range []int64{1 << 10, 1 << 20} {
		s := serve(t, etag.Config{MaxBody: maxBody}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			f, err := os.Open(name)
			if err != nil {
				return
			}
			defer f.Close()
			n, err := io.Copy(w, f)
			assert.EqualValues(t, len(content), n)
			assert.NoError(t, err)
		}))
		res, err := s.Client().Get(s.URL)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		assert.Equal(t, content, string(body))
		want := ""
		if maxBody > int64(len(content)) {
			want = etag.Of(body).String()
		}
		assert.Equal(t, want, res.Header.Get("ETag"))
	}
}

func TestRange206(t *testing.T) {
	h := protect(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"file"`)
		http.ServeContent(w, r, "a.txt", then, strings.NewReader("0123456789"))
	}))
	w := do(h, "GET", "/a", "", "Range", "bytes=2-4")
	assert.Equal(t, 206, w.Code)
	assert.Equal(t, "234", w.Body.String())
	assert.Equal(t, `"file"`, w.Header().Get("ETag"))
	assert.Equal(t, 206, do(h, "GET", "/a", "", "Range", "bytes=2-4", "If-Range", `"file"`).Code)
	assert.Equal(t, 200, do(h, "GET", "/a", "", "Range", "bytes=2-4", "If-Range", `"old"`).Code)
	assert.Equal(t, 304, do(h, "GET", "/a", "", "Range", "bytes=2-4", "If-None-Match", `"file"`).Code)

	untagged := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "a.txt", time.Time{}, strings.NewReader("0123456789"))
	})
	w = do(protect(t, etag.Config{}, untagged), "GET", "/a", "", "Range", "bytes=2-4")
	assert.Equal(t, 206, w.Code)
	assert.Empty(t, w.Header().Get("ETag"), "a part has no tag of its own")
	h = protect(t, etag.Config{Current: dated}, untagged)
	assert.Equal(t, 200, do(h, "GET", "/a", "", "Range", "bytes=2-4", "If-Range", `"old"`).Code, "the range is ignored")
}

func TestDoubleWriteHeader(t *testing.T) {
	for _, method := range []string{"GET", "PUT"} {
		w := do(protect(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusAccepted)
			w.WriteHeader(http.StatusInternalServerError)
		})), method, "/a", "")
		assert.Equal(t, 202, w.Code)
	}
}

func TestErrAbortHandler(t *testing.T) {
	for _, method := range []string{"GET", "PUT"} {
		s := serve(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/ok" {
				return
			}
			_, _ = io.WriteString(w, "half of")
			panic(http.ErrAbortHandler)
		}))
		r, err := http.NewRequest(method, s.URL, strings.NewReader("x"))
		require.NoError(t, err)
		res, err := s.Client().Do(r)
		if err == nil {
			res.Body.Close()
		}
		assert.Error(t, err, "nothing of a half answer is sent as if it were whole")
		r, err = http.NewRequest(method, s.URL+"/ok", strings.NewReader("x"))
		require.NoError(t, err)
		res, err = s.Client().Do(r)
		require.NoError(t, err, "the gate opened again")
		require.NoError(t, res.Body.Close())
		assert.Equal(t, 200, res.StatusCode)
	}
}

// endless is a body without end that counts how much of it was read.
type endless struct{ read int64 }

func (e *endless) Read(p []byte) (int, error) {
	e.read += int64(len(p))
	return len(p), nil
}

func TestEndlessBodyIsBounded(t *testing.T) {
	const maxBody = 64 << 10
	ran := false
	h := protect(t, etag.Config{MaxBody: maxBody}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ran = ran || r.Method != http.MethodGet
	}))
	body := &endless{}
	r := httptest.NewRequest("PUT", "/a", body)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	wantProblem(t, w, 413, problem.KindBodyTooLarge, fmt.Sprintf(`"limit":%d`, maxBody))
	assert.LessOrEqual(t, body.read, int64(4*maxBody), "read no further than it takes to know")

	declared := &endless{}
	r = httptest.NewRequest("PUT", "/a", declared)
	r.ContentLength = maxBody + 1
	w = httptest.NewRecorder()
	h.ServeHTTP(w, r)
	wantProblem(t, w, 413, problem.KindBodyTooLarge)
	assert.Zero(t, declared.read, "refused by what it declares")
	assert.False(t, ran, "413 after the handler ran is too late")

	for name, fields := range map[string][]string{"If-Match": {"If-Match", "abc"}, "none": {}} {
		body := &endless{}
		r := httptest.NewRequest("PUT", "/a", body)
		for i := 0; i < len(fields); i += 2 {
			r.Header.Add(fields[i], fields[i+1])
		}
		w := httptest.NewRecorder()
		protect(t, etag.Config{Require: func(*http.Request) bool { return true }}, h).ServeHTTP(w, r)
		assert.Contains(t, []int{400, 428}, w.Code)
		assert.Zero(t, body.read, "%s: refused before the body is read", name)
	}
}

// TestEndlessAnswerIsBounded: an answer larger than MaxBody is sent on, and
// never gathered.
func TestEndlessAnswerIsBounded(t *testing.T) {
	const maxBody = 64 << 10
	h := protect(t, etag.Config{MaxBody: maxBody}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		chunk := make([]byte, 4<<10)
		for range 16 << 10 { // 64 MiB
			_, _ = w.Write(chunk)
		}
	}))
	for _, method := range []string{"GET", "PUT"} {
		var before, after runtime.MemStats
		w := &nowhere{make(http.Header)}
		runtime.ReadMemStats(&before)
		h.ServeHTTP(w, httptest.NewRequest(method, "/a", nil))
		runtime.ReadMemStats(&after)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8*maxBody), method)
		assert.Empty(t, w.h.Get("ETag"))
	}
}

// TestHeaderBombs: what it costs in memory is asserted here, what it costs in
// time is a benchmark.
func TestHeaderBombs(t *testing.T) {
	for name, bomb := range bombs() {
		for _, field := range []string{"If-Match", "If-None-Match", "If-Range", "If-Modified-Since", "If-Unmodified-Since", "Prefer"} {
			for _, method := range []string{"GET", "PUT"} {
				docs := newDocuments(map[string]string{"/a": "one"})
				h := protect(t, etag.Config{AcceptTransformed: true}, docs)
				r := httptest.NewRequest(method, "/a", nil)
				r.Header[field] = bomb
				r.Header.Set("Range", "bytes=0-")
				if field == "Prefer" {
					r.Header.Set("If-Match", `"old"`)
				}
				bare := allocated(func() { h.ServeHTTP(httptest.NewRecorder(), plain(r, field)) })
				docs.writes.Store(0)
				cost := allocated(func() { h.ServeHTTP(httptest.NewRecorder(), r) })
				assert.Less(t, cost, bare+16<<10, "%s of %s in %s", method, name, field)
				if method == "PUT" && strings.HasSuffix(field, "-Match") {
					assert.Zero(t, docs.writes.Load(), "%s in %s", name, field)
				}
			}
		}
	}
}

func plain(r *http.Request, bombed string) *http.Request {
	r = r.Clone(r.Context())
	r.Header.Del(bombed)
	return r
}

// allocated is how many bytes f allocates at the least of some runs.
func allocated(f func()) uint64 {
	least := ^uint64(0)
	for range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

// bombs are fields of 1 MiB, as much as net/http takes.
func bombs() map[string][]string {
	const size = 1 << 20
	return map[string][]string{
		"commas":      {strings.Repeat(",", size)},
		"empty tags":  {strings.Repeat(`"",`, size/3)},
		"one tag":     {`"` + strings.Repeat("a", size) + `"`},
		"an open tag": {`"` + strings.Repeat("a", size)},
		"blanks":      {strings.Repeat(" ", size)},
		"W/":          {strings.Repeat("W/", size/2)},
		"lines":       strings.Split(strings.Repeat(`"a"`+"\n", size/4), "\n"),
		"stars":       {strings.Repeat("*,", size/2)},
	}
}

func BenchmarkLayerHeaderBombs(b *testing.B) {
	h := layer(b, etag.Config{AcceptTransformed: true}).Handler(newDocuments(map[string]string{"/a": "one"}))
	for name, bomb := range bombs() {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest("PUT", "/a", nil)
			r.Header["If-Match"] = bomb
			bench(b, h, r, fresh)
		})
	}
}

func TestPanicsAndGoexitsOpenTheGate(t *testing.T) {
	h := protect(t, etag.Config{}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("X-End") {
		case "panic":
			panic("handler")
		case "goexit":
			runtime.Goexit()
		}
	}))
	assert.PanicsWithValue(t, "handler", func() { do(h, "PUT", "/a", "x", "X-End", "panic") })
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		do(h, "PUT", "/a", "x", "X-End", "goexit")
	}()
	<-ended
	assert.Equal(t, 200, do(h, "PUT", "/a", "x").Code)
}
