package ginadapter_test

import (
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/middleware/ginadapter"
	"github.com/concordhttp/concord/middleware/internal/inline/inlinetest"
)

// encoder decides with the first byte of the body whether it encodes it, as
// gin-contrib/gzip does, which sets the field before and takes it back for errors.
type encoder struct{ gin.ResponseWriter }

func (e encoder) Write(p []byte) (int, error) {
	if e.Status() >= http.StatusBadRequest {
		e.Header().Del("Content-Encoding")
	}
	return e.ResponseWriter.Write(p)
}

func (e encoder) WriteString(s string) (int, error) { return e.Write([]byte(s)) }

func encode(c *gin.Context) {
	c.Header("Content-Encoding", "x-none")
	c.Writer = encoder{c.Writer}
	c.Next()
}

// TestFieldsCanBeChangedOutsideUntilThereIsABody: as they can without the layers.
func TestFieldsCanBeChangedOutsideUntilThereIsABody(t *testing.T) {
	engine, layers := newEngine(t, concord.Config{})
	group := engine.Group("/", encode, layers)
	group.GET("/good", func(c *gin.Context) { c.String(http.StatusOK, "text") })
	group.GET("/bad", func(c *gin.Context) { c.String(http.StatusNotFound, "text") })
	s := inlinetest.Serve(t, engine)
	for path, want := range map[string]string{"/good": "x-none", "/bad": ""} {
		res, body := inlinetest.Exchange(t, s, "GET", path, "")
		assert.Equal(t, want, res.Header.Get("Content-Encoding"), path)
		assert.Equal(t, "text", body, path)
	}
}

// TestOfStatusesTheFirstIsSent: as it is with net/http, and no informational one
// after it.
func TestOfStatusesTheFirstIsSent(t *testing.T) {
	engine, _ := newEngine(t, concord.Config{})
	engine.GET("/a", ginadapter.Wrap(engine, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusAccepted)
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusTeapot)
		})
	}))
	res, _ := inlinetest.Exchange(t, inlinetest.Serve(t, engine), "GET", "/a", "")
	assert.Equal(t, http.StatusAccepted, res.StatusCode)
}

// TestAStatusThatWasNotSentIsNoAnswerToAPanic: Recovery, outside, gives one.
func TestAStatusThatWasNotSentIsNoAnswerToAPanic(t *testing.T) {
	engine, _ := newEngine(t, concord.Config{})
	engine.Use(gin.RecoveryWithWriter(nil))
	engine.GET("/a", ginadapter.Wrap(engine, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusOK)
			panic("a fault")
		})
	}))
	res, _ := inlinetest.Exchange(t, inlinetest.Serve(t, engine), "GET", "/a", "")
	assert.Equal(t, http.StatusInternalServerError, res.StatusCode)
}
