package middleware_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware"
)

// keepAll is how much the tests retain: more than they hold back.
const keepAll = 4 * limit

// kept is what a layer that records an answer learns of it.
type kept struct {
	body   string
	whole  bool
	passed []string // status and one field, as each Passing was told
	d      middleware.Decision
	told   chan struct{} // closed when that is all
}

func (k *kept) Decide(*middleware.Recorder, middleware.Decision) middleware.Decision { return k.d }

func (k *kept) Passing(status int, fields http.Header) {
	k.passed = append(k.passed, fmt.Sprint(status, fields.Get("X-Kind")))
}

// retaining runs h as a layer does that records what is sent.
func retaining(d middleware.Decision, h http.HandlerFunc) (http.Handler, *kept) {
	k := &kept{d: d, told: make(chan struct{})}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec, owned := middleware.Record(w)
		rec.Retain(keepAll)
		rec.Enter(k, limit)
		h(rec, r)
		rec.Leave()
		var body []byte
		body, k.whole = rec.Retained()
		k.body = string(body)
		close(k.told)
		if owned {
			rec.Finish()
		}
	}), k
}

// TestRetained: what is recorded is what the client got, in whichever way the
// handler wrote it.
func TestRetained(t *testing.T) {
	long := strings.Repeat("0123456789", 2*limit/10)
	for name, c := range map[string]struct {
		h      http.HandlerFunc
		passed bool // although it should be buffered
		lost   bool
	}{
		"nothing at all":   {h: func(http.ResponseWriter, *http.Request) {}},
		"a status alone":   {h: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }},
		"a short body":     {h: func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "short") }},
		"a longer one":     {h: func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, long) }, passed: true},
		"longer in parts":  {h: func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "a"); fmt.Fprint(w, long, "b") }, passed: true},
		"written as bytes": {h: func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(long)); w.Write([]byte("end")) }, passed: true},
		"flushed first":    {h: func(w http.ResponseWriter, _ *http.Request) { flush(w); fmt.Fprint(w, "late") }, passed: true},
		"flushed between": {h: func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "a")
			flush(w)
			fmt.Fprint(w, "b")
			flush(w)
		}, passed: true},
		"WriteString between flushes": {h: func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "a")
			flush(w)
			io.WriteString(w, "b")
		}, passed: true},
		"copied from a reader": {h: func(w http.ResponseWriter, _ *http.Request) {
			io.Copy(w, onlyReader{strings.NewReader(long)})
		}, passed: true},
		"copied after a flush": {h: func(w http.ResponseWriter, _ *http.Request) {
			flush(w)
			io.Copy(w, onlyReader{strings.NewReader(long)})
			io.Copy(w, onlyReader{strings.NewReader("end")})
		}, passed: true},
		"with a declared trailer": {h: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "X-Sum")
			fmt.Fprint(w, "body")
			w.Header().Set("X-Sum", "42")
		}, passed: true},
		"as much as is kept": {h: func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, keepAll)) }, passed: true},
		"a byte more":        {h: func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, keepAll+1)) }, passed: true, lost: true},
		"a byte more, in parts": {h: func(w http.ResponseWriter, _ *http.Request) {
			w.Write(make([]byte, keepAll))
			flush(w)
			w.Write(nil)
			fmt.Fprint(w, "x")
			fmt.Fprint(w, "x")
		}, passed: true, lost: true},
		"a byte more, copied": {h: func(w http.ResponseWriter, _ *http.Request) {
			io.Copy(w, onlyReader{strings.NewReader(strings.Repeat("x", keepAll+1))})
		}, passed: true, lost: true},
		"more than was declared": {h: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "2")
			flush(w)
			fmt.Fprint(w, "ok")
			_, err := fmt.Fprint(w, "no")
			assert.ErrorIs(t, err, http.ErrContentLength, "that is no failure of the client's")
		}, passed: true},
	} {
		for _, d := range []middleware.Decision{middleware.Buffer, middleware.Pass} {
			t.Run(fmt.Sprintf("%s, decision %d", name, d), func(t *testing.T) {
				h, k := retaining(d, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-Kind", " test")
					c.h(w, r)
				})
				server := httptest.NewServer(h)
				res, err := http.Get(server.URL)
				require.NoError(t, err)
				sent, err := io.ReadAll(res.Body)
				require.NoError(t, err)
				server.Close()
				<-k.told
				assert.Equal(t, !c.lost, k.whole)
				if c.lost {
					assert.Empty(t, k.body, "nor is the rest kept")
				} else {
					assert.Equal(t, string(sent), k.body)
				}
				if d == middleware.Pass || c.passed {
					assert.Equal(t, []string{fmt.Sprint(res.StatusCode, " test")}, k.passed)
				} else {
					assert.Empty(t, k.passed, "nothing was sent before the layer finished it")
				}
			})
		}
	}
}

// TestWithoutRetainNothingIs: neither is what passed kept, nor said to be whole.
func TestWithoutRetainNothingIs(t *testing.T) {
	rec, _ := middleware.Record(httptest.NewRecorder())
	rec.Enter(decide(middleware.Pass), limit)
	io.WriteString(rec, "passed")
	rec.Leave()
	body, whole := rec.Retained()
	assert.Empty(t, body)
	assert.False(t, whole)
}

// TestABufferedAnswerLargerThanIsRetainedIsNotWhole: another layer asked for a
// larger buffer.
func TestABufferedAnswerLargerThanIsRetainedIsNotWhole(t *testing.T) {
	for size, want := range map[int]bool{10: true, 11: false} {
		rec, _ := middleware.Record(httptest.NewRecorder())
		rec.Retain(10)
		rec.Enter(decide(middleware.Buffer), limit)
		rec.Write(make([]byte, size))
		body, whole := rec.Retained() // also while the handler runs
		assert.Len(t, body, size)
		assert.Equal(t, want, whole)
		rec.Leave()
		_, whole = rec.Retained()
		assert.Equal(t, want, whole)
	}
}

// goneClient is a connection that fails from the first byte of a body on.
type goneClient struct {
	fields http.Header
	status int
	err    error
}

func (g *goneClient) Header() http.Header       { return g.fields }
func (g *goneClient) WriteHeader(status int)    { g.status = status }
func (g *goneClient) Write([]byte) (int, error) { return 0, g.err }
func (g *goneClient) FlushError() error         { return g.err }

// TestAHandlerThatIsRecordedDoesNotSeeItsClientLeave: it would stop half way,
// and what it had done by then would be recorded as all there is.
func TestAHandlerThatIsRecordedDoesNotSeeItsClientLeave(t *testing.T) {
	for _, d := range []middleware.Decision{middleware.Buffer, middleware.Pass} {
		h, k := retaining(d, func(w http.ResponseWriter, _ *http.Request) {
			n, err := io.WriteString(w, "a")
			assert.Equal(t, "1 <nil>", fmt.Sprint(n, " ", err))
			assert.NoError(t, http.NewResponseController(w).Flush())
			n, err = w.Write([]byte("bc"))
			assert.Equal(t, "2 <nil>", fmt.Sprint(n, " ", err))
			n64, err := io.Copy(w, onlyReader{strings.NewReader("def")})
			assert.Equal(t, "3 <nil>", fmt.Sprint(n64, " ", err))
			n, err = w.Write(make([]byte, keepAll-6))
			assert.Equal(t, fmt.Sprint(keepAll-6, " <nil>"), fmt.Sprint(n, " ", err))
		})
		client := &goneClient{fields: http.Header{}, err: errBroken}
		h.ServeHTTP(client, httptest.NewRequest("GET", "/", http.NoBody))
		assert.True(t, k.whole)
		assert.Equal(t, "abcdef"+strings.Repeat("\x00", keepAll-6), k.body)
		assert.Equal(t, 200, client.status)
	}
	// Past what is kept it still is no concern of the handler's.
	h, k := retaining(middleware.Buffer, func(w http.ResponseWriter, _ *http.Request) {
		for range 3 {
			n, err := w.Write(make([]byte, keepAll))
			assert.Equal(t, fmt.Sprint(keepAll, " <nil>"), fmt.Sprint(n, " ", err))
		}
	})
	h.ServeHTTP(&goneClient{fields: http.Header{}, err: errBroken}, httptest.NewRequest("GET", "/", http.NoBody))
	assert.False(t, k.whole)
}

// TestAHandlerThatIsRecordedIsToldItsOwnMistakes, which its client is no part of.
func TestAHandlerThatIsRecordedIsToldItsOwnMistakes(t *testing.T) {
	told := make(chan error, 3)
	h, _ := retaining(middleware.Buffer, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(204)
		n, err := w.Write([]byte("held back"))
		assert.Zero(t, n)
		told <- err
		assert.NoError(t, http.NewResponseController(w).Flush())
		_, err = w.Write([]byte("x"))
		told <- err
		told <- http.NewResponseController(onlyWriter{w}).Flush()
	})
	server := httptest.NewServer(h)
	defer server.Close()
	res, err := http.Get(server.URL)
	require.NoError(t, err)
	res.Body.Close()
	assert.ErrorIs(t, <-told, http.ErrBodyNotAllowed)
	assert.ErrorIs(t, <-told, http.ErrBodyNotAllowed)
	assert.ErrorIs(t, <-told, http.ErrNotSupported)
}

// TestAWriterInBetweenCanComplainToo, as another layer that counts bytes does.
func TestAWriterInBetweenCanComplainToo(t *testing.T) {
	for _, complaint := range []error{http.ErrContentLength, http.ErrBodyNotAllowed} {
		h, _ := retaining(middleware.Pass, func(w http.ResponseWriter, _ *http.Request) {
			n, err := io.WriteString(w, "abc")
			assert.Zero(t, n)
			assert.ErrorIs(t, err, complaint)
		})
		h.ServeHTTP(&goneClient{fields: http.Header{}, err: complaint}, httptest.NewRequest("GET", "/", http.NoBody))
	}
}

type onlyWriter struct{ http.ResponseWriter }

// TestAHijackedConnectionIsNotRetained, whatever was written before.
func TestAHijackedConnectionIsNotRetained(t *testing.T) {
	h, k := retaining(middleware.Buffer, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "held back")
		conn, _, err := http.NewResponseController(w).Hijack()
		assert.NoError(t, err)
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
		conn.Close()
	})
	server := httptest.NewServer(h)
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	line, err := bufio.NewReader(conn).ReadString('\n')
	require.NoError(t, err)
	server.Close()
	<-k.told
	assert.Equal(t, "HTTP/1.1 101 Switching Protocols\r\n", line)
	assert.False(t, k.whole)
	assert.Empty(t, k.body)
	assert.Empty(t, k.passed)
}

// TestPassingIsToldTheStagesThatAreStillThere, and with the status that the
// others have made of it.
func TestPassingIsToldTheStagesThatAreStillThere(t *testing.T) {
	outer, inner := &kept{d: middleware.NotModified}, &kept{}
	rec, _ := middleware.Record(httptest.NewRecorder())
	rec.Enter(outer, limit)
	rec.Enter(decide(middleware.Pass), limit)
	rec.Enter(inner, limit)
	rec.Leave()
	rec.Leave()
	rec.Leave()
	rec.Finish()
	assert.Equal(t, []string{"304"}, outer.passed)
	assert.Equal(t, []string{"304"}, inner.passed)
}
