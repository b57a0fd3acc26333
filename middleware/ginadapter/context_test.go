package ginadapter_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/ginadapter"
	"github.com/concordhttp/concord/middleware/internal/inline/inlinetest"
)

func TestRouteParametersStayReadable(t *testing.T) {
	config := concord.Config{ETag: etag.Config{Current: func(*http.Request) (etag.State, error) { return etag.State{}, nil }}}
	engine, layers := newEngine(t, config)
	engine.Use(func(c *gin.Context) { c.Set("user", "ann") })
	engine.PUT("/notes/:id", layers, func(c *gin.Context) {
		_, checked := etag.FromContext(c.Request.Context())
		assert.True(t, checked)
		attempt, keyed := idempotency.FromContext(c.Request.Context())
		assert.True(t, keyed)
		assert.NotZero(t, attempt.Token())
		body, _ := c.GetRawData()
		c.String(http.StatusOK, "%s %s %s %s %s", c.Param("id"), c.FullPath(), c.GetString("user"), c.Query("q"), body)
	})
	_, body := inlinetest.Exchange(t, inlinetest.Serve(t, engine), "PUT", "/notes/7?q=8", "text", "If-None-Match", "*", "Idempotency-Key", "1")
	assert.Equal(t, "7 /notes/:id ann 8 text", body)
}

// TestWhatIsOutsideGetsItsOwnBack: also after a panic, which Recovery answers
// there.
func TestWhatIsOutsideGetsItsOwnBack(t *testing.T) {
	engine, layers := newEngine(t, once())
	engine.Use(func(c *gin.Context) {
		w, r := c.Writer, c.Request
		c.Next()
		assert.Same(t, r, c.Request)
		assert.Equal(t, w, c.Writer)
		assert.NoError(t, c.Request.Context().Err())
	})
	engine.Use(gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, v any) {
		c.String(http.StatusInternalServerError, "recovered %v", v)
	}))
	engine.POST("/a", layers, func(c *gin.Context) { c.String(http.StatusOK, "done") })
	engine.POST("/panic", layers, func(c *gin.Context) {
		c.String(http.StatusOK, "half")
		panic("a fault")
	})
	s := inlinetest.Serve(t, engine)
	_, body := inlinetest.Exchange(t, s, "POST", "/a", "", keyed...)
	assert.Equal(t, "done", body)
	res, body := inlinetest.Exchange(t, s, "POST", "/panic", "", "Idempotency-Key", "2")
	assert.Equal(t, 500, res.StatusCode)
	assert.Equal(t, "recovered a fault", body)
	res, body = inlinetest.Exchange(t, s, "POST", "/panic", "", "Idempotency-Key", "2")
	assert.Equal(t, 409, res.StatusCode)
	assert.Contains(t, body, "outcome-unknown")
}

// TestFormsAreThoseOfTheRequest: what is outside reads them too, and the server
// removes their files.
func TestFormsAreThoseOfTheRequest(t *testing.T) {
	engine, layers := newEngine(t, concord.Config{})
	engine.MaxMultipartMemory = 1
	title := ""
	engine.Use(func(c *gin.Context) { c.Next(); title = c.Request.PostFormValue("title") })
	engine.POST("/upload", layers, func(c *gin.Context) {
		_, err := c.FormFile("file")
		assert.NoError(t, err)
	})
	assert.Zero(t, inlinetest.Upload(t, engine))
	assert.Equal(t, "one", title)
}

// TestFrameworkContextIsNotReused: gin gives the context of a request to the
// next one, while readers of one answer come and go and leaders outlive them.
func TestFrameworkContextIsNotReused(t *testing.T) {
	engine, layers := newEngine(t, concord.Config{})
	var runs atomic.Int64
	engine.GET("/notes/:id", layers, func(c *gin.Context) {
		runs.Add(1)
		inlinetest.Linger(t, func() string { return c.Request.URL.Path }, func() string { return c.Param("id") })
		c.String(http.StatusOK, c.Param("id"))
	})
	engine.PUT("/notes/:id", layers, func(c *gin.Context) { c.String(http.StatusOK, c.Param("id")) })
	s := inlinetest.Serve(t, engine)
	inlinetest.Storm(t, s)
	assert.Less(t, runs.Load(), int64(inlinetest.Reads), "some were answered by one run")
}

// TestAMiddlewareThatGivesUpLeavesNothingRunning: as TimeoutHandler does, it
// answers while the chain goes on in another goroutine, with a context that gin
// takes back.
func TestAMiddlewareThatGivesUpLeavesNothingRunning(t *testing.T) {
	engine, _ := newEngine(t, concord.Config{})
	begun, ended := make(chan struct{}), false
	engine.Use(func(c *gin.Context) { c.Next(); assert.True(t, ended) })
	engine.GET("/a", ginadapter.Wrap(engine, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, giveUp := context.WithCancel(r.Context())
			go next.ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
			<-begun
			giveUp()
			w.WriteHeader(http.StatusServiceUnavailable)
		})
	}), func(c *gin.Context) {
		close(begun)
		<-c.Request.Context().Done()
		c.String(http.StatusOK, "on time")
		ended = true
	})
	res, _ := inlinetest.Exchange(t, inlinetest.Serve(t, engine), "GET", "/a", "")
	assert.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
}

func TestMistakesAreToldWhenRoutesAreMade(t *testing.T) {
	engine, _ := newEngine(t, concord.Config{})
	assert.Panics(t, func() { ginadapter.Wrap(nil, func(h http.Handler) http.Handler { return h }) })
	assert.Panics(t, func() { ginadapter.Wrap(engine, nil) })
}
