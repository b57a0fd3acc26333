package echoadapter_test

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/labstack/echo/v4"
	echomiddleware "github.com/labstack/echo/v4/middleware"
	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/echoadapter"
	"github.com/concordhttp/concord/middleware/internal/inline/inlinetest"
)

func TestRouteParametersStayReadable(t *testing.T) {
	e, layers := newEcho(t, concord.Config{ETag: etag.Config{Current: func(*http.Request) (etag.State, error) { return etag.State{}, nil }}})
	e.PUT("/notes/:id", func(c echo.Context) error {
		_, checked := etag.FromContext(c.Request().Context())
		assert.True(t, checked)
		_, keyed := idempotency.FromContext(c.Request().Context())
		assert.True(t, keyed)
		body, _ := io.ReadAll(c.Request().Body)
		return c.String(http.StatusOK, fmt.Sprint(c.Param("id"), c.Path(), c.Get("user"), c.QueryParam("q"), string(body)))
	}, func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error { c.Set("user", "ann"); return next(c) }
	}, layers)
	_, body := inlinetest.Exchange(t, inlinetest.Serve(t, e), "PUT", "/notes/7?q=8", "text", "If-None-Match", "*", "Idempotency-Key", "1")
	assert.Equal(t, "7/notes/:idann8text", body)
}

// TestWhatIsOutsideGetsItsOwnBack: also after a panic, which Recover answers
// there.
func TestWhatIsOutsideGetsItsOwnBack(t *testing.T) {
	e, layers := newEcho(t, once())
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			response, r := c.Response(), c.Request()
			err := next(c)
			assert.Same(t, r, c.Request())
			assert.Same(t, response, c.Response())
			return err
		}
	}, echomiddleware.Recover())
	e.POST("/a", func(c echo.Context) error { return c.String(http.StatusOK, "done") }, layers)
	e.POST("/panic", func(c echo.Context) error { _ = c.String(http.StatusOK, "half"); panic("a fault") }, layers)
	s := inlinetest.Serve(t, e)
	_, body := inlinetest.Exchange(t, s, "POST", "/a", "", keyed...)
	assert.Equal(t, "done", body)
	res, body := inlinetest.Exchange(t, s, "POST", "/panic", "", "Idempotency-Key", "2")
	assert.Equal(t, 500, res.StatusCode)
	assert.NotContains(t, body, "half")
	res, body = inlinetest.Exchange(t, s, "POST", "/panic", "", "Idempotency-Key", "2")
	assert.Equal(t, 409, res.StatusCode)
	assert.Contains(t, body, "outcome-unknown")
}

// TestFormsAreThoseOfTheRequest: what is outside reads them too, and the server
// removes their files.
func TestFormsAreThoseOfTheRequest(t *testing.T) {
	e, layers := newEcho(t, concord.Config{})
	title := ""
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			err := next(c)
			title = c.FormValue("title")
			return err
		}
	})
	e.POST("/upload", func(c echo.Context) error { return c.Request().ParseMultipartForm(1) }, layers)
	assert.Zero(t, inlinetest.Upload(t, e))
	assert.Equal(t, "one", title)
}

// TestFrameworkContextIsNotReused: echo gives the context of a request to the
// next one, while readers of one answer come and go and leaders outlive them.
func TestFrameworkContextIsNotReused(t *testing.T) {
	e, layers := newEcho(t, concord.Config{})
	var runs atomic.Int64
	e.GET("/notes/:id", func(c echo.Context) error {
		runs.Add(1)
		inlinetest.Linger(t, func() string { return c.Request().URL.Path }, func() string { return c.Param("id") })
		return c.String(http.StatusOK, c.Param("id"))
	}, layers)
	e.PUT("/notes/:id", func(c echo.Context) error { return c.String(http.StatusOK, c.Param("id")) }, layers)
	s := inlinetest.Serve(t, e)
	inlinetest.Storm(t, s)
	assert.Less(t, runs.Load(), int64(inlinetest.Reads), "some were answered by one run")
}

func TestMistakesAreToldWhenRoutesAreMade(t *testing.T) {
	assert.Panics(t, func() { echoadapter.Wrap(nil) })
}
