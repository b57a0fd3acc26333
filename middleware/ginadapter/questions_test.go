package ginadapter_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/ginadapter"
	"github.com/concordhttp/concord/middleware/internal/inline/inlinetest"
)

type observer func(middleware.Event)

func (f observer) Observe(_ context.Context, e middleware.Event) { f(e) }

// notes has a note under each id, and routes for it in a group.
type notes struct {
	text map[string]string
	runs map[string]int // by method of the route
}

func newNotes() *notes { return &notes{map[string]string{}, map[string]int{}} }

func (n *notes) register(group gin.IRouter) {
	group.GET("/notes/:id", func(c *gin.Context) {
		n.runs["GET"]++
		if text, ok := n.text[c.Param("id")]; ok {
			c.String(http.StatusOK, text)
			return
		}
		c.Status(http.StatusNotFound)
	})
	group.PUT("/notes/:id", func(c *gin.Context) {
		n.runs["PUT"]++
		body, _ := io.ReadAll(c.Request.Body)
		n.text[c.Param("id")] = string(body)
	})
	group.DELETE("/notes/:id", func(c *gin.Context) {
		n.runs["DELETE"]++
		delete(n.text, c.Param("id"))
		c.Status(http.StatusNoContent)
	})
}

// TestAWriteIsNeverRunForAQuestion: in a group, around a route, on the engine
// and around it, in gin's words and in none.
func TestAWriteIsNeverRunForAQuestion(t *testing.T) {
	for name, place := range map[string]func(*notes, *gin.Engine, gin.HandlerFunc, *concord.Stack) http.Handler{
		"in a group": func(n *notes, e *gin.Engine, layers gin.HandlerFunc, _ *concord.Stack) http.Handler {
			n.register(e.Group("/", layers))
			return e
		},
		"on the engine": func(n *notes, e *gin.Engine, layers gin.HandlerFunc, _ *concord.Stack) http.Handler {
			e.Use(layers)
			n.register(e)
			return e
		},
		"twice": func(n *notes, e *gin.Engine, layers gin.HandlerFunc, s *concord.Stack) http.Handler {
			n.register(e.Group("/", layers, ginadapter.Wrap(e, s.Handler)))
			return e
		},
		"around it": func(n *notes, e *gin.Engine, _ gin.HandlerFunc, s *concord.Stack) http.Handler {
			n.register(e)
			return s.Handler(e)
		},
	} {
		t.Run(name, func(t *testing.T) {
			gin.SetMode(gin.TestMode)
			engine, n := gin.New(), newNotes()
			stack, err := concord.New(concord.Config{
				Principal: concord.DangerouslyShared,
				ETag:      etag.Config{Require: func(*http.Request) bool { return true }, TagAfterWrite: true},
			})
			assert.NoError(t, err)
			s := inlinetest.Serve(t, place(n, engine, ginadapter.Wrap(engine, stack.Handler), stack))

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

// TestAResourceWithoutAGetHasNoValidator: gin answers 404 unless told otherwise,
// and nothing is run on a guess.
func TestAResourceWithoutAGetHasNoValidator(t *testing.T) {
	for _, told := range []bool{false, true} {
		engine, layers := newEngine(t, concord.Config{})
		engine.HandleMethodNotAllowed = told
		group := engine.Group("/", layers)
		group.PUT("/a/:id", func(*gin.Context) { t.Error("ran") })
		group.GET("/b/:id", func(*gin.Context) {})
		for _, field := range []string{"If-Match", "If-None-Match"} {
			res, body := inlinetest.Exchange(t, inlinetest.Serve(t, engine), "PUT", "/a/1", "", field, "*")
			assert.Equal(t, 500, res.StatusCode)
			assert.Contains(t, body, "validator-missing")
		}
	}
}

// TestAParameterIsNeverEmpty: so to gin the path of a collection is not one of its
// members, and a question for it would be answered with 404.
func TestAParameterIsNeverEmpty(t *testing.T) {
	engine, layers := newEngine(t, concord.Config{})
	group := engine.Group("/", layers)
	group.GET("/a/:id", func(*gin.Context) {})
	group.PUT("/a/", func(*gin.Context) { t.Error("ran") })
	group.GET("/b/v:id", func(*gin.Context) {})
	group.PUT("/b/v", func(*gin.Context) { t.Error("ran") })
	for _, path := range []string{"/a/", "/b/v"} {
		res, body := inlinetest.Exchange(t, inlinetest.Serve(t, engine), "PUT", path, "", "If-None-Match", "*")
		assert.Equal(t, 500, res.StatusCode, path)
		assert.Contains(t, body, "validator-missing", path)
	}
}

// TestWhereThereIsNoRouteGinAnswersTheQuestion: as it will answer the write, with
// 404, or by what NoRoute has, a proxy for example.
func TestWhereThereIsNoRouteGinAnswersTheQuestion(t *testing.T) {
	engine, layers := newEngine(t, concord.Config{})
	engine.Use(layers)
	s := inlinetest.Serve(t, engine)
	res, body := inlinetest.Exchange(t, s, "PUT", "/a", "", "If-None-Match", "*")
	assert.Equal(t, 404, res.StatusCode)
	assert.Equal(t, "404 page not found", body)
	res, _ = inlinetest.Exchange(t, s, "PUT", "/a", "", "If-Match", "*")
	assert.Equal(t, 412, res.StatusCode)

	writes := 0
	engine.NoRoute(func(c *gin.Context) {
		if c.Request.Method != http.MethodGet {
			writes++
		}
		c.String(http.StatusOK, "from elsewhere")
	})
	s = inlinetest.Serve(t, engine)
	for _, c := range []struct {
		tag            string
		status, writes int
	}{{`"old"`, 412, 0}, {etag.Of([]byte("from elsewhere")).String(), 200, 1}} {
		res, _ = inlinetest.Exchange(t, s, "PUT", "/a", "", "If-Match", c.tag)
		assert.Equal(t, c.status, res.StatusCode)
		assert.Equal(t, c.writes, writes)
	}
}

// TestAroundTheEngineGinDeniesPathsThatHaveNoGet: a path of other methods alone is
// a 404 to gin, which to the layers is a resource that there is not, unless
// HandleMethodNotAllowed is set. Wrap asks the engine for its routes instead.
func TestAroundTheEngineGinDeniesPathsThatHaveNoGet(t *testing.T) {
	for told, want := range map[bool]struct{ match, noneMatch, runs int }{
		false: {412, 200, 1},
		true:  {500, 500, 0},
	} {
		gin.SetMode(gin.TestMode)
		engine, runs := gin.New(), 0
		engine.HandleMethodNotAllowed = told
		engine.PUT("/a", func(*gin.Context) { runs++ })
		stack, err := concord.New(concord.Config{Principal: concord.DangerouslyShared})
		assert.NoError(t, err)
		s := inlinetest.Serve(t, stack.Handler(engine))
		res, _ := inlinetest.Exchange(t, s, "PUT", "/a", "", "If-Match", `"1"`)
		assert.Equal(t, want.match, res.StatusCode)
		res, _ = inlinetest.Exchange(t, s, "PUT", "/a", "", "If-None-Match", "*")
		assert.Equal(t, want.noneMatch, res.StatusCode)
		assert.Equal(t, want.runs, runs)
	}
}
