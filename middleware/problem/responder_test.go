package problem_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware/problem"
)

type handlerFunc = func(http.ResponseWriter, *http.Request) error

// run answers one request with h, and returns the answer and what was panicked.
func run(h handlerFunc) (w *httptest.ResponseRecorder, panicked any) {
	w = httptest.NewRecorder()
	defer func() { panicked = recover() }()
	problem.Responder(nil).HandlerFunc(h).ServeHTTP(w, httptest.NewRequest("PUT", "/", nil))
	return w, nil
}

func TestErrorsAreAnswered(t *testing.T) {
	var none *problem.Problem
	for name, c := range map[string]struct {
		err    error
		status int
	}{
		"no error":               {nil, 200},
		"a nil problem":          {none, 200},
		"a wrapped nil problem":  {fmt.Errorf("a: %w", none), 500},
		"nil problems, joined":   {errors.Join(none, none), 500},
		"one behind a nil one":   {errors.Join(none, problem.Duplicate("d")), 409},
		"a problem":              {problem.Duplicate("d"), 409},
		"a wrapped problem":      {fmt.Errorf("a: %w", problem.VersionMismatch("d")), 412},
		"an error of a database": {fmt.Errorf("a: %w", &pgError{Code: "40001"}), 409},
		"any other error":        {io.ErrUnexpectedEOF, 500},
	} {
		w, panicked := run(func(http.ResponseWriter, *http.Request) error { return c.err })
		assert.Nil(t, panicked, name)
		assert.Equal(t, c.status, w.Code, name)
	}
}

func TestResponderSeesTheCause(t *testing.T) {
	cause := errors.New("cause")
	var seen *problem.Problem
	respond := problem.Responder(func(_ http.ResponseWriter, _ *http.Request, p *problem.Problem) { seen = p })
	respond.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return cause }).
		ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("PUT", "/", nil))
	require.NotNil(t, seen)
	assert.Equal(t, problem.KindInternal, seen.Kind)
	assert.Equal(t, cause, seen.Err)
	assert.NotContains(t, seen.Detail, "cause")
	assert.NotEmpty(t, seen.Instance)
}

func TestResponderSeesTheInstanceThatIsSent(t *testing.T) {
	shared := problem.Duplicate("d")
	var logged string
	respond := problem.Responder(func(w http.ResponseWriter, r *http.Request, p *problem.Problem) {
		logged = p.Instance
		problem.JSON(w, r, p)
	})
	w := httptest.NewRecorder()
	respond.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return shared }).
		ServeHTTP(w, httptest.NewRequest("PUT", "/", http.NoBody))
	require.NotEmpty(t, logged)
	assert.Contains(t, w.Body.String(), logged)
	assert.Empty(t, shared.Instance, "the problem may be everybody's")
}

func TestErrorAfterTheAnswerBeganAbortsIt(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		begin  handlerFunc
		aborts bool
	}{
		"nothing": {func(http.ResponseWriter, *http.Request) error { return broken }, false},
		"fields":  {func(w http.ResponseWriter, _ *http.Request) error { w.Header().Set("ETag", `"a"`); return broken }, false},
		"a source that fails at once": {func(w http.ResponseWriter, _ *http.Request) error {
			_, err := io.Copy(w, iotest.ErrReader(broken))
			return err
		}, false},
		"an empty source, then broken": {func(w http.ResponseWriter, _ *http.Request) error {
			_, _ = io.Copy(w, iotest.ErrReader(io.EOF))
			return broken
		}, false},
		"a source that fails later": {func(w http.ResponseWriter, _ *http.Request) error {
			_, err := io.Copy(w, io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)))
			return err
		}, true},
		"a status":           {func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(201); return broken }, true},
		"switched protocols": {func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(101); return broken }, true},
		"bytes":              {func(w http.ResponseWriter, _ *http.Request) error { _, _ = w.Write([]byte("half")); return broken }, true},
		"a string":           {func(w http.ResponseWriter, _ *http.Request) error { _, _ = io.WriteString(w, "half"); return broken }, true},
		"a flush":            {func(w http.ResponseWriter, _ *http.Request) error { w.(http.Flusher).Flush(); return broken }, true},
		"a flush by controller": {func(w http.ResponseWriter, _ *http.Request) error {
			return errors.Join(http.NewResponseController(w).Flush(), broken)
		}, true},
		"a problem written by hand": {func(w http.ResponseWriter, _ *http.Request) error {
			problem.Duplicate("d").WriteHeader(w)
			return broken
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			w, panicked := run(c.begin)
			if c.aborts {
				assert.Equal(t, http.ErrAbortHandler, panicked)
				return
			}
			assert.Nil(t, panicked)
			assert.Equal(t, 500, w.Code)
			assert.Empty(t, w.Header().Get("ETag"))
		})
	}
}

func TestPanicsOfTheHandlerPass(t *testing.T) {
	_, panicked := run(func(http.ResponseWriter, *http.Request) error { panic("mine") })
	assert.Equal(t, "mine", panicked)
}

func TestHalfAnAnswerDoesNotLookComplete(t *testing.T) {
	server := httptest.NewServer(problem.Responder(nil).HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		controller := http.NewResponseController(w)
		assert.NoError(t, controller.SetWriteDeadline(time.Time{}), "what is not wrapped is found by Unwrap")
		_, _ = io.WriteString(w, "half")
		_ = controller.Flush()
		return errors.New("broken")
	}))
	defer server.Close()
	res, err := server.Client().Get(server.URL)
	require.NoError(t, err)
	defer res.Body.Close()
	_, err = io.ReadAll(res.Body)
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestEarlyHintsAreSentBeforeTheProblem(t *testing.T) {
	server := httptest.NewServer(problem.Responder(nil).HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		return problem.Duplicate("d")
	}))
	defer server.Close()
	hints := 0
	r, err := http.NewRequest("GET", server.URL, nil)
	require.NoError(t, err)
	r = r.WithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(int, textproto.MIMEHeader) error { hints++; return nil },
	}))
	res, err := server.Client().Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	assert.Equal(t, 1, hints)
	assert.Equal(t, http.StatusConflict, res.StatusCode)
	assert.NotContains(t, res.Header.Get("Link"), "preload")
}

func TestHijackedConnectionIsTheHandlersOwn(t *testing.T) {
	server := httptest.NewServer(problem.Responder(nil).HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return err
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
		return errors.New("the conversation ended badly")
	}))
	defer server.Close()
	res, err := server.Client().Get(server.URL)
	require.NoError(t, err)
	defer res.Body.Close()
	assert.Equal(t, http.StatusNoContent, res.StatusCode)
}

// richWriter has every optional method; bareWriter has none.
type richWriter struct {
	*httptest.ResponseRecorder
	calls []string
}

func (w *richWriter) Push(string, *http.PushOptions) error {
	w.calls = append(w.calls, "Push")
	return nil
}

func (w *richWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.calls = append(w.calls, "Hijack")
	return nil, nil, nil
}

func (w *richWriter) ReadFrom(r io.Reader) (int64, error) {
	w.calls = append(w.calls, "ReadFrom")
	return io.Copy(w.ResponseRecorder, r)
}

func (w *richWriter) WriteString(s string) (int, error) {
	w.calls = append(w.calls, "WriteString")
	return w.ResponseRecorder.WriteString(s)
}

func TestHijackedConnectionGetsNoProblem(t *testing.T) {
	respond := problem.Responder(func(http.ResponseWriter, *http.Request, *problem.Problem) { t.Error("answered") })
	respond.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		_, _, err := http.NewResponseController(w).Hijack()
		return errors.Join(err, errors.New("the conversation ended badly"))
	}).ServeHTTP(&richWriter{ResponseRecorder: httptest.NewRecorder()}, httptest.NewRequest("GET", "/", nil))
}

type bareWriter struct{ http.ResponseWriter }

func TestOptionalMethodsReachTheWriter(t *testing.T) {
	use := func(w http.ResponseWriter, _ *http.Request) error {
		_ = w.(http.Pusher).Push("/style.css", nil)
		_, _ = io.WriteString(w, "a")
		// A source that can write itself would pass ReadFrom by.
		n, err := w.(io.ReaderFrom).ReadFrom(iotest.OneByteReader(strings.NewReader("bcd")))
		assert.NoError(t, err)
		assert.EqualValues(t, 3, n)
		w.(http.Flusher).Flush()
		_, _, _ = w.(http.Hijacker).Hijack()
		return nil
	}
	r := httptest.NewRequest("GET", "/", nil)

	rich := &richWriter{ResponseRecorder: httptest.NewRecorder()}
	problem.Responder(nil).HandlerFunc(use).ServeHTTP(rich, r)
	assert.Equal(t, []string{"Push", "WriteString", "ReadFrom", "Hijack"}, rich.calls)
	assert.True(t, rich.Flushed)
	assert.Equal(t, "abcd", rich.Body.String())

	inner := httptest.NewRecorder()
	problem.Responder(nil).HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		assert.ErrorIs(t, w.(http.Pusher).Push("/", nil), http.ErrNotSupported)
		assert.ErrorIs(t, http.NewResponseController(w).Flush(), http.ErrNotSupported)
		_, _, err := w.(http.Hijacker).Hijack()
		assert.ErrorIs(t, err, http.ErrNotSupported)
		return problem.Duplicate("a flush that did nothing began no answer")
	}).ServeHTTP(bareWriter{inner}, r)
	assert.Equal(t, http.StatusConflict, inner.Code)
}
