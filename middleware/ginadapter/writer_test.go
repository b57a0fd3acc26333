package ginadapter_test

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

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/ginadapter"
	"github.com/concordhttp/concord/middleware/internal/inline/inlinetest"
)

func TestSizeStatusAndWrittenAreGins(t *testing.T) {
	type state struct {
		status, size int
		written      bool
	}
	var saw []state
	handler := func(c *gin.Context) {
		look := func() { saw = append(saw, state{c.Writer.Status(), c.Writer.Size(), c.Writer.Written()}) }
		look()
		c.Status(http.StatusAccepted)
		look()
		c.Writer.WriteHeaderNow()
		look()
		c.Status(http.StatusTeapot)
		_, _ = c.Writer.WriteString("five ")
		_, _ = c.Writer.Write([]byte("and nine"))
		look()
	}
	engine, layers := newEngine(t, concord.Config{})
	engine.POST("/plain", handler)
	engine.POST("/layered", layers, handler)
	s := inlinetest.Serve(t, engine)
	inlinetest.Exchange(t, s, "POST", "/plain", "")
	plain := saw
	saw = nil
	inlinetest.Exchange(t, s, "POST", "/layered", "")
	assert.Equal(t, plain, saw)
	assert.Equal(t, []state{{200, -1, false}, {202, -1, false}, {202, 0, true}, {202, 13, true}}, saw)
}

// TestFlushSendsWhatThereIs: an event stream, which gin makes with CloseNotify
// and Flush.
func TestFlushSendsWhatThereIs(t *testing.T) {
	engine, layers := newEngine(t, concord.Config{})
	more := make(chan string)
	engine.GET("/events", layers, func(c *gin.Context) {
		c.Header("Content-Type", "text/event-stream")
		c.Stream(func(w io.Writer) bool {
			text, ok := <-more
			_, _ = io.WriteString(w, text)
			return ok
		})
	})
	s := inlinetest.Serve(t, engine)
	go func() { more <- "one\n" }()
	res, err := s.Client().Get(s.URL + "/events")
	require.NoError(t, err)
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	for _, next := range []string{"two\n", ""} {
		line, err := lines.ReadString('\n')
		require.NoError(t, err)
		assert.NotEmpty(t, line)
		if next == "" {
			close(more)
		} else {
			more <- next
		}
	}
	rest, err := io.ReadAll(lines)
	assert.NoError(t, err)
	assert.Empty(t, rest)
}

// TestAStreamEndsWithItsClient: whoever waits for CloseNotify is told.
func TestAStreamEndsWithItsClient(t *testing.T) {
	engine, layers := newEngine(t, concord.Config{})
	ended := make(chan struct{})
	engine.GET("/events", layers, func(c *gin.Context) {
		c.Header("Content-Type", "text/event-stream")
		c.Writer.Flush()
		<-c.Writer.CloseNotify()
		close(ended)
	})
	s := inlinetest.Serve(t, engine)
	res, err := s.Client().Get(s.URL + "/events")
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	<-ended
}

func TestHijackedConnectionsAreTheHandlers(t *testing.T) {
	engine, layers := newEngine(t, concord.Config{})
	engine.GET("/socket", layers, func(c *gin.Context) {
		conn, rw, err := c.Writer.Hijack()
		if !assert.NoError(t, err) {
			return
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		_, _ = fmt.Fprintf(conn, "you said %s", line)
	})
	engine.GET("/late", layers, func(c *gin.Context) {
		c.String(http.StatusOK, "begun")
		_, _, err := c.Writer.Hijack()
		assert.Error(t, err)
	})
	s := inlinetest.Serve(t, engine)
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
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
	_, body := inlinetest.Exchange(t, s, "GET", "/late", "")
	assert.Equal(t, "begun", body)
}

// TestEarlyHintsAreNoStatus: gin would take them for one.
func TestEarlyHintsAreNoStatus(t *testing.T) {
	engine, _ := newEngine(t, concord.Config{})
	engine.GET("/a", ginadapter.Wrap(engine, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			next.ServeHTTP(w, r)
		})
	}), func(c *gin.Context) { c.String(http.StatusCreated, "made") })
	hints := 0
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(int, textproto.MIMEHeader) error { hints++; return nil },
	}), http.MethodGet, inlinetest.Serve(t, engine).URL+"/a", http.NoBody)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	assert.Equal(t, 1, hints)
	assert.Equal(t, http.StatusCreated, res.StatusCode)
}

// TestPusherIsThatOfTheConnection: handlers ask whether it is nil.
func TestPusherIsThatOfTheConnection(t *testing.T) {
	engine, layers := newEngine(t, concord.Config{})
	engine.GET("/a", layers, func(c *gin.Context) { assert.Nil(t, c.Writer.Pusher()) })
	inlinetest.Exchange(t, inlinetest.Serve(t, engine), "GET", "/a", "")
}

// TestDeadlinesReachTheConnection: through everything that is around it.
func TestDeadlinesReachTheConnection(t *testing.T) {
	engine, layers := newEngine(t, concord.Config{})
	engine.POST("/a", layers, func(c *gin.Context) {
		assert.NoError(t, http.NewResponseController(c.Writer).EnableFullDuplex())
		assert.Nil(t, middleware.Find(c.Writer), "no layer is concerned")
	})
	inlinetest.Exchange(t, inlinetest.Serve(t, engine), "POST", "/a", "")
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
	engine, layers := newEngine(t, concord.Config{})
	for _, path := range []string{"/plain", "/layered"} {
		chain := []gin.HandlerFunc{layers, layers, func(c *gin.Context) {
			if p := c.Writer.Pusher(); assert.NotNil(t, p, path) {
				assert.NoError(t, p.Push("/style.css", nil), path)
			}
		}}
		if path == "/plain" {
			chain = chain[2:]
		}
		engine.GET(path, chain...)
		engine.POST(path, chain...)
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			w := &pusher{ResponseRecorder: httptest.NewRecorder()}
			engine.ServeHTTP(w, httptest.NewRequest(method, path, http.NoBody))
			assert.Equal(t, []string{"/style.css"}, w.pushed, "%s %s", method, path)
		}
	}
}
