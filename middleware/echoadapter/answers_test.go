package echoadapter_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/echoadapter"
	"github.com/concordhttp/concord/middleware/internal/inline/inlinetest"
	"github.com/concordhttp/concord/middleware/problem"
)

func TestLayersSeeTheFinalStatusAndBody(t *testing.T) {
	for name, c := range map[string]struct {
		handler echo.HandlerFunc
		status  int
		body    string
	}{
		"nothing":        {func(echo.Context) error { return nil }, 200, ""},
		"a status alone": {func(c echo.Context) error { return c.NoContent(204) }, 204, ""},
		"JSON":           {func(c echo.Context) error { return c.JSON(201, echo.Map{"id": 1}) }, 201, "{\"id\":1}\n"},
		"an error":       {func(echo.Context) error { return errors.New("hidden") }, 500, "{\"message\":\"Internal Server Error\"}\n"},
		"echo's error":   {func(echo.Context) error { return echo.NewHTTPError(409, "taken") }, 409, "{\"message\":\"taken\"}\n"},
		"an error after the answer": {func(c echo.Context) error {
			return errors.Join(c.String(202, "later"), errors.New("hidden"))
		}, 202, "later"},
	} {
		t.Run(name, func(t *testing.T) {
			e, _ := newEcho(t, concord.Config{})
			var saw inlinetest.Seen
			status := 0
			e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(c echo.Context) error {
					err := next(c)
					status = c.Response().Status
					return err
				}
			})
			e.POST("/a", c.handler, echoadapter.Wrap(saw.Middleware))
			res, body := inlinetest.Exchange(t, inlinetest.Serve(t, e), "POST", "/a", "")
			assert.Equal(t, inlinetest.Seen{Status: c.status, Body: c.body}, saw)
			assert.Equal(t, c.status, res.StatusCode)
			assert.Equal(t, c.body, body)
			assert.Equal(t, c.status, status, "for a log outside")
		})
	}
}

func TestWhereThereIsNoRouteTheAnswerIsEchos(t *testing.T) {
	e, _ := newEcho(t, concord.Config{})
	var saw inlinetest.Seen
	e.Use(echoadapter.Wrap(saw.Middleware))
	e.GET("/a", func(c echo.Context) error { return c.NoContent(204) })
	s := inlinetest.Serve(t, e)
	for _, c := range []struct {
		method, path, allow string
		status              int
	}{{"GET", "/b", "", 404}, {"POST", "/a", "OPTIONS, GET", 405}} {
		res, body := inlinetest.Exchange(t, s, c.method, c.path, "")
		assert.Equal(t, c.status, res.StatusCode)
		assert.Equal(t, c.allow, res.Header.Get("Allow"))
		assert.Equal(t, inlinetest.Seen{Status: c.status, Body: body}, saw)
	}
}

// once is a configuration under which each request needs a key.
func once() concord.Config {
	return concord.Config{Idempotency: idempotency.Config{Require: func(*http.Request) bool { return true }}}
}

var keyed = []string{"Idempotency-Key", `"1"`}

// TestErrorsAreAnsweredBeforeTheOutcomeIsRecorded: and are replayed as they were
// answered, with echo's own wrapper in contrast.
func TestErrorsAreAnsweredBeforeTheOutcomeIsRecorded(t *testing.T) {
	silent := func(error, echo.Context) {}
	ours := func(err error, c echo.Context) {
		if !c.Response().Committed {
			_ = c.JSON(http.StatusTeapot, echo.Map{"error": err.Error()})
		}
	}
	for name, c := range map[string]struct {
		handler echo.HTTPErrorHandler // nil: echo's own
		err     error
		status  int
		body    string
	}{
		"by echo":             {nil, echo.NewHTTPError(409, "taken"), 409, "taken"},
		"by ours":             {ours, errors.New("taken"), 418, "taken"},
		"by nobody":           {silent, errors.New("password hunter2"), 500, problem.DefaultTypeBase + "internal"},
		"a problem by nobody": {silent, problem.StateConflict("Taken."), 409, "Taken."},
	} {
		t.Run(name, func(t *testing.T) {
			e, layers := newEcho(t, once())
			if c.handler != nil {
				e.HTTPErrorHandler = c.handler
			}
			runs, outside := 0, error(nil)
			e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(ctx echo.Context) error { outside = next(ctx); return outside }
			})
			e.POST("/a", func(echo.Context) error { runs++; return c.err }, layers)
			s := inlinetest.Serve(t, e)
			first, body := inlinetest.Exchange(t, s, "POST", "/a", "", keyed...)
			assert.ErrorIs(t, outside, c.err, "for what logs it")
			again, replay := inlinetest.Exchange(t, s, "POST", "/a", "", keyed...)
			assert.NoError(t, outside)
			assert.Equal(t, c.status, first.StatusCode)
			assert.Contains(t, body, c.body)
			assert.NotContains(t, body, "hunter2")
			assert.Equal(t, c.status, again.StatusCode)
			assert.Equal(t, body, replay)
			assert.Equal(t, "true", again.Header.Get("Idempotency-Replayed"))
			assert.Equal(t, 1, runs)
		})
	}
}

// TestEchosOwnWrapperHidesErrors is why there is another one. When it fails,
// echo has changed, and the package comment with it.
func TestEchosOwnWrapperHidesErrors(t *testing.T) {
	e, _ := newEcho(t, concord.Config{})
	var saw inlinetest.Seen
	e.POST("/a", func(echo.Context) error { return echo.NewHTTPError(409, "taken") }, echo.WrapMiddleware(saw.Middleware))
	res, _ := inlinetest.Exchange(t, inlinetest.Serve(t, e), "POST", "/a", "")
	assert.Equal(t, inlinetest.Seen{Status: 200, Body: ""}, saw)
	assert.Equal(t, 200, res.StatusCode)
}

// TestRefusedRequestsReachNoHandler: and are no error of one.
func TestRefusedRequestsReachNoHandler(t *testing.T) {
	forbid := func(echo.HandlerFunc) echo.HandlerFunc {
		return func(echo.Context) error { return echo.ErrForbidden }
	}
	for name, c := range map[string]struct {
		inside echo.MiddlewareFunc
		fields []string
		status int
	}{
		"inside":        {forbid, keyed, 403},
		"by the layers": {nil, nil, 400},
	} {
		e, layers := newEcho(t, once())
		chain := []echo.MiddlewareFunc{layers}
		if c.inside != nil {
			chain = append(chain, c.inside)
		}
		e.POST("/a", func(echo.Context) error { t.Error("ran"); return nil }, chain...)
		s := inlinetest.Serve(t, e)
		for range 2 { // a refusal leaves the key free
			res, _ := inlinetest.Exchange(t, s, "POST", "/a", "", c.fields...)
			assert.Equal(t, c.status, res.StatusCode, name)
			assert.Empty(t, res.Header.Get("Idempotency-Replayed"), name)
		}
	}
}
