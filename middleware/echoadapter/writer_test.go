package echoadapter_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/middleware/echoadapter"
	"github.com/concordhttp/concord/middleware/internal/inline/inlinetest"
)

func TestSizeStatusAndCommittedAreEchos(t *testing.T) {
	type state struct {
		status    int
		size      int64
		committed bool
	}
	var saw []state
	hooks := 0
	handler := func(c echo.Context) error {
		look := func() { saw = append(saw, state{c.Response().Status, c.Response().Size, c.Response().Committed}) }
		look()
		c.Response().Before(func() { hooks++; c.Response().Header().Set("X-Before", "1") })
		c.Response().WriteHeader(http.StatusAccepted)
		look()
		_, err := c.Response().Write([]byte("thirteen long"))
		look()
		return err
	}
	e, layers := newEcho(t, concord.Config{})
	e.POST("/plain", handler)
	e.POST("/layered", handler, layers)
	s := inlinetest.Serve(t, e)
	inlinetest.Exchange(t, s, "POST", "/plain", "")
	plain := saw
	saw = nil
	res, _ := inlinetest.Exchange(t, s, "POST", "/layered", "")
	assert.Equal(t, plain, saw)
	assert.Equal(t, []state{{200, 0, false}, {202, 0, true}, {202, 13, true}}, saw)
	assert.Equal(t, "1", res.Header.Get("X-Before"))
	assert.Equal(t, 2, hooks)
}

// TestFlushSendsWhatThereIs: an event stream.
func TestFlushSendsWhatThereIs(t *testing.T) {
	e, layers := newEcho(t, concord.Config{})
	more := make(chan string)
	e.GET("/events", func(c echo.Context) error {
		c.Response().Header().Set("Content-Type", "text/event-stream")
		for text := range more {
			_, _ = io.WriteString(c.Response(), text)
			c.Response().Flush()
		}
		return nil
	}, layers)
	s := inlinetest.Serve(t, e)
	go func() { more <- "one\n" }()
	res, err := s.Client().Get(s.URL + "/events")
	require.NoError(t, err)
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	for _, want := range []string{"one\n", "two\n"} {
		line, err := lines.ReadString('\n')
		require.NoError(t, err)
		assert.Equal(t, want, line)
		if want == "one\n" {
			more <- "two\n"
		}
	}
	close(more)
	rest, err := io.ReadAll(lines)
	assert.NoError(t, err)
	assert.Empty(t, rest)
}

func TestHijackedConnectionsAreTheHandlers(t *testing.T) {
	e, layers := newEcho(t, concord.Config{})
	e.GET("/socket", func(c echo.Context) error {
		conn, rw, err := c.Response().Hijack()
		if !assert.NoError(t, err) {
			return err
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		_, err = fmt.Fprintf(conn, "you said %s", line)
		return err
	}, layers)
	conn, err := net.Dial("tcp", inlinetest.Serve(t, e).Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	from := bufio.NewReader(conn)
	res, err := http.ReadResponse(from, nil)
	require.NoError(t, err)
	assert.Equal(t, http.StatusSwitchingProtocols, res.StatusCode)
	_, _ = io.WriteString(conn, "hello\n")
	line, err := from.ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "you said hello\n", line)
}

// TestEarlyHintsAreNoStatus: echo would take the response for committed.
func TestEarlyHintsAreNoStatus(t *testing.T) {
	e, _ := newEcho(t, concord.Config{})
	e.GET("/a", func(c echo.Context) error { return c.String(http.StatusCreated, "made") },
		echoadapter.Wrap(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusEarlyHints)
				next.ServeHTTP(w, r)
			})
		}))
	hints := 0
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(int, textproto.MIMEHeader) error { hints++; return nil },
	}), http.MethodGet, inlinetest.Serve(t, e).URL+"/a", http.NoBody)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	assert.Equal(t, 1, hints)
	assert.Equal(t, http.StatusCreated, res.StatusCode)
}

// TestFlushWhereThereIsNoneIsNoPanic: as it is with net/http alone.
func TestFlushWhereThereIsNoneIsNoPanic(t *testing.T) {
	e, layers := newEcho(t, concord.Config{})
	e.GET("/a", func(c echo.Context) error {
		assert.ErrorIs(t, http.NewResponseController(c.Response().Writer).Flush(), http.ErrNotSupported)
		return c.String(http.StatusOK, "whole")
	}, layers)
	w := &plain{}
	e.ServeHTTP(w, mustRequest(t, "GET", "/a"))
	assert.Equal(t, "whole", w.body)
}

// plain is a writer that can do no more than it must.
type plain struct {
	fields http.Header
	body   string
}

func (w *plain) Header() http.Header {
	if w.fields == nil {
		w.fields = http.Header{}
	}
	return w.fields
}
func (w *plain) WriteHeader(int)             {}
func (w *plain) Write(p []byte) (int, error) { w.body += string(p); return len(p), nil }

func mustRequest(t *testing.T, method, target string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, target, http.NoBody)
	require.NoError(t, err)
	return r
}

// pusher is a connection that can push.
type pusher struct {
	*httptest.ResponseRecorder
	pushed []string
}

func (p *pusher) Push(target string, _ *http.PushOptions) error {
	p.pushed = append(p.pushed, target)
	return nil
}

// TestPushReachesTheConnection: of a request that a layer records, and of one
// that none is concerned with.
func TestPushReachesTheConnection(t *testing.T) {
	e, layers := newEcho(t, concord.Config{})
	handler := func(c echo.Context) error {
		p, can := c.Response().Writer.(http.Pusher)
		if !assert.True(t, can) {
			return nil
		}
		return p.Push("/style.css", nil)
	}
	twice := []echo.MiddlewareFunc{layers, layers}
	e.GET("/a", handler, twice...)
	e.POST("/a", handler, twice...)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		w := &pusher{ResponseRecorder: httptest.NewRecorder()}
		e.ServeHTTP(w, httptest.NewRequest(method, "/a", http.NoBody))
		assert.Equal(t, []string{"/style.css"}, w.pushed, method)
	}
}
