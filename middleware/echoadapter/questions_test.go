package echoadapter_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/middleware/echoadapter"
	"github.com/concordhttp/concord/middleware/internal/inline/inlinetest"
)

// notes has a note under each id, and routes for it.
type notes struct {
	text map[string]string
	runs map[string]int // by method of the route
}

func (n *notes) get(c echo.Context) error {
	n.runs["GET"]++
	text, ok := n.text[c.Param("id")]
	if !ok {
		return echo.ErrNotFound
	}
	return c.String(http.StatusOK, text)
}

func (n *notes) put(c echo.Context) error {
	n.runs["PUT"]++
	body, err := io.ReadAll(c.Request().Body)
	n.text[c.Param("id")] = string(body)
	return err
}

func (n *notes) delete(c echo.Context) error {
	n.runs["DELETE"]++
	delete(n.text, c.Param("id"))
	return c.NoContent(http.StatusNoContent)
}

func (n *notes) register(group interface {
	GET(string, echo.HandlerFunc, ...echo.MiddlewareFunc) *echo.Route
	PUT(string, echo.HandlerFunc, ...echo.MiddlewareFunc) *echo.Route
	DELETE(string, echo.HandlerFunc, ...echo.MiddlewareFunc) *echo.Route
}) {
	group.GET("/notes/:id", n.get)
	group.PUT("/notes/:id", n.put)
	group.DELETE("/notes/:id", n.delete)
}

// TestAWriteIsNeverRunForAQuestion: in a group, on the Echo before routing and
// after it, and around it.
func TestAWriteIsNeverRunForAQuestion(t *testing.T) {
	for name, place := range map[string]func(*notes, *echo.Echo, *concord.Stack) http.Handler{
		"in a group": func(n *notes, e *echo.Echo, s *concord.Stack) http.Handler {
			n.register(e.Group("", echoadapter.Wrap(s.Handler)))
			return e
		},
		"after routing": func(n *notes, e *echo.Echo, s *concord.Stack) http.Handler {
			e.Use(echoadapter.Wrap(s.Handler))
			n.register(e)
			return e
		},
		"before routing": func(n *notes, e *echo.Echo, s *concord.Stack) http.Handler {
			e.Pre(echoadapter.Wrap(s.Handler))
			n.register(e)
			return e
		},
		"twice": func(n *notes, e *echo.Echo, s *concord.Stack) http.Handler {
			n.register(e.Group("", echoadapter.Wrap(s.Handler)).Group("", echoadapter.Wrap(s.Handler)))
			return e
		},
		"around it": func(n *notes, e *echo.Echo, s *concord.Stack) http.Handler {
			n.register(e)
			return s.Handler(e)
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := &notes{map[string]string{}, map[string]int{}}
			stack, err := concord.New(concord.Config{
				Principal: concord.DangerouslyShared,
				ETag:      etag.Config{Require: func(*http.Request) bool { return true }, TagAfterWrite: true},
			})
			assert.NoError(t, err)
			s := inlinetest.Serve(t, place(n, echo.New(), stack))

			res, _ := inlinetest.Exchange(t, s, "PUT", "/notes/1", "one", "If-None-Match", "*")
			assert.Equal(t, 200, res.StatusCode)
			assert.Equal(t, etag.Of([]byte("one")).String(), res.Header.Get("ETag"))
			res, _ = inlinetest.Exchange(t, s, "GET", "/notes/1", "")
			assert.Equal(t, etag.Of([]byte("one")).String(), res.Header.Get("ETag"))
			for _, method := range []string{"PUT", "DELETE"} {
				res, _ = inlinetest.Exchange(t, s, method, "/notes/1", "two", "If-Match", `"old"`)
				assert.Equal(t, 412, res.StatusCode)
				res, _ = inlinetest.Exchange(t, s, method, "/notes/1", "two")
				assert.Equal(t, 428, res.StatusCode)
			}
			assert.Equal(t, map[string]string{"1": "one"}, n.text)
			res, _ = inlinetest.Exchange(t, s, "DELETE", "/notes/1", "", "If-Match", etag.Of([]byte("one")).String())
			assert.Equal(t, 204, res.StatusCode)
			assert.Equal(t, 1, n.runs["PUT"])
			assert.Equal(t, 1, n.runs["DELETE"])
		})
	}
}

// TestAResourceWithoutAGetHasNoValidator: nothing is run on a guess.
func TestAResourceWithoutAGetHasNoValidator(t *testing.T) {
	e, layers := newEcho(t, concord.Config{})
	e.PUT("/a", func(echo.Context) error { t.Error("ran"); return nil }, layers)
	res, _ := inlinetest.Exchange(t, inlinetest.Serve(t, e), "PUT", "/a", "", "If-None-Match", "*")
	assert.Equal(t, 500, res.StatusCode)
}
