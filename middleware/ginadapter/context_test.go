package ginadapter_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/ginadapter"
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
	_, body := exchange(t, serve(t, engine), "PUT", "/notes/7?q=8", "text", "If-None-Match", "*", "Idempotency-Key", "1")
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
	s := serve(t, engine)
	_, body := exchange(t, s, "POST", "/a", "", keyed...)
	assert.Equal(t, "done", body)
	res, body := exchange(t, s, "POST", "/panic", "", "Idempotency-Key", "2")
	assert.Equal(t, 500, res.StatusCode)
	assert.Equal(t, "recovered a fault", body)
	res, body = exchange(t, s, "POST", "/panic", "", "Idempotency-Key", "2")
	assert.Equal(t, 409, res.StatusCode)
	assert.Contains(t, body, "outcome-unknown")
}

// TestFrameworkContextIsNotReused: gin gives the context of a request to the
// next one, while readers of one answer come and go and leaders outlive them.
func TestFrameworkContextIsNotReused(t *testing.T) {
	engine, layers := newEngine(t, concord.Config{})
	var runs atomic.Int64
	engine.GET("/notes/:id", layers, func(c *gin.Context) {
		runs.Add(1)
		for range 3 {
			time.Sleep(time.Millisecond) // long enough for others to join, and to leave
			if c.Request.URL.Path != "/notes/"+c.Param("id") {
				t.Errorf("%s is the parameter of %s", c.Param("id"), c.Request.URL.Path)
			}
		}
		c.String(http.StatusOK, c.Param("id"))
	})
	engine.PUT("/notes/:id", layers, func(c *gin.Context) { c.String(http.StatusOK, c.Param("id")) })
	s := serve(t, engine)
	var clients sync.WaitGroup
	for client := range 16 {
		clients.Go(func() {
			for i := range 40 {
				id := fmt.Sprint(i % 3)
				ctx, leave := context.WithCancel(t.Context())
				method := http.MethodGet
				if client == 0 {
					method = http.MethodPut
				}
				r, _ := http.NewRequestWithContext(ctx, method, s.URL+"/notes/"+id, http.NoBody)
				if (client+i)%5 == 0 {
					time.AfterFunc(time.Millisecond, leave)
				}
				if res, err := s.Client().Do(r); err == nil {
					body, err := io.ReadAll(res.Body)
					if err == nil && (string(body) != id || res.StatusCode != 200) {
						t.Errorf("%s %s: %d %q", method, r.URL.Path, res.StatusCode, body)
					}
					_ = res.Body.Close()
				}
				leave()
			}
		})
	}
	clients.Wait()
	assert.Less(t, runs.Load(), int64(15*40), "some were answered by one run")
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
	res, _ := exchange(t, serve(t, engine), "GET", "/a", "")
	assert.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
}

func TestMistakesAreToldWhenRoutesAreMade(t *testing.T) {
	engine, _ := newEngine(t, concord.Config{})
	assert.Panics(t, func() { ginadapter.Wrap(nil, func(h http.Handler) http.Handler { return h }) })
	assert.Panics(t, func() { ginadapter.Wrap(engine, nil) })
}
