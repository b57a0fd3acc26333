package ginadapter_test

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/ginadapter"
	"github.com/concordhttp/concord/middleware/internal/inline/inlinetest"
	"github.com/concordhttp/concord/middleware/lock"
	"github.com/concordhttp/concord/middleware/problem"
)

func TestLayersSeeTheFinalStatusAndBody(t *testing.T) {
	for name, c := range map[string]struct {
		handler gin.HandlerFunc
		status  int
		body    string // "": as the client gets it, whatever that is
	}{
		"nothing":                 {func(*gin.Context) {}, 200, ""},
		"a status alone":          {func(c *gin.Context) { c.Status(204) }, 204, ""},
		"the last status":         {func(c *gin.Context) { c.Status(500); c.Status(202) }, 202, ""},
		"JSON":                    {func(c *gin.Context) { c.JSON(201, gin.H{"id": 1}) }, 201, `{"id":1}`},
		"a status after the body": {func(c *gin.Context) { c.String(200, "done"); c.Status(500) }, 200, "done"},
		"an abort":                {func(c *gin.Context) { c.AbortWithStatus(403) }, 403, ""},
		"an abort with an error":  {func(c *gin.Context) { _ = c.AbortWithError(409, errors.New("hidden")) }, 409, ""},
		"an error with a status":  {func(c *gin.Context) { _ = c.Error(errors.New("of the audit log")); c.Status(204) }, 204, ""},
		"an error with a body":    {func(c *gin.Context) { _ = c.Error(errors.New("hidden")); c.String(400, "no") }, 400, "no"},
	} {
		t.Run(name, func(t *testing.T) {
			engine, _ := newEngine(t, concord.Config{})
			var saw inlinetest.Seen
			outside := 0
			engine.Use(func(c *gin.Context) { c.Next(); outside = c.Writer.Status() })
			engine.Group("/", ginadapter.Wrap(engine, saw.Middleware)).POST("/a", c.handler)
			res, body := inlinetest.Exchange(t, inlinetest.Serve(t, engine), "POST", "/a", "")
			assert.Equal(t, inlinetest.Seen{Status: c.status, Body: c.body}, saw)
			assert.Equal(t, c.status, res.StatusCode)
			assert.Equal(t, c.body, body)
			assert.Equal(t, c.status, outside, "for a log outside")
		})
	}
}

// TestWhereThereIsNoRouteTheAnswerIsGins: gin gives it after the chain, with the
// status set before.
func TestWhereThereIsNoRouteTheAnswerIsGins(t *testing.T) {
	for _, wrapped := range []bool{false, true} {
		engine, _ := newEngine(t, concord.Config{})
		engine.HandleMethodNotAllowed = true
		var saw inlinetest.Seen
		if wrapped {
			engine.Use(ginadapter.Wrap(engine, saw.Middleware))
		}
		engine.GET("/a", func(*gin.Context) {})
		s := inlinetest.Serve(t, engine)
		for _, c := range []struct {
			method, path, allow, body string
			status                    int
		}{
			{"GET", "/b", "", "404 page not found", 404},
			{"POST", "/a", "GET", "405 method not allowed", 405},
		} {
			res, body := inlinetest.Exchange(t, s, c.method, c.path, "")
			assert.Equal(t, c.status, res.StatusCode)
			assert.Equal(t, c.body, body)
			assert.Equal(t, c.allow, res.Header.Get("Allow"))
			assert.Equal(t, "text/plain", res.Header.Get("Content-Type"))
			if wrapped {
				assert.Equal(t, inlinetest.Seen{Status: c.status, Body: c.body}, saw)
			}
		}
	}
	engine, _ := newEngine(t, concord.Config{})
	var saw inlinetest.Seen
	engine.Use(ginadapter.Wrap(engine, saw.Middleware))
	engine.NoRoute(func(c *gin.Context) { c.String(404, "ours") })
	_, body := inlinetest.Exchange(t, inlinetest.Serve(t, engine), "GET", "/b", "")
	assert.Equal(t, "ours", body)
	assert.Equal(t, inlinetest.Seen{Status: 404, Body: "ours"}, saw)
}

// once is a configuration under which requests of /a need a key.
func once() concord.Config {
	return concord.Config{Idempotency: idempotency.Config{Require: func(*http.Request) bool { return true }}}
}

var keyed = []string{"Idempotency-Key", `"1"`}

// TestErrorsAreAnsweredBeforeTheOutcomeIsRecorded: what gin keeps in c.Errors,
// and middleware makes an answer of, is replayed as it was answered.
func TestErrorsAreAnsweredBeforeTheOutcomeIsRecorded(t *testing.T) {
	render := func(c *gin.Context) {
		c.Next()
		if len(c.Errors) > 0 {
			c.JSON(http.StatusConflict, gin.H{"error": c.Errors.Last().Error()})
		}
	}
	for name, c := range map[string]struct {
		inside []gin.HandlerFunc
		err    error
		status int
		body   string
	}{
		"by middleware inside": {[]gin.HandlerFunc{render}, errors.New("taken"), 409, `{"error":"taken"}`},
		"a problem, by nobody": {nil, problem.StateConflict("Taken."), 409, `"detail":"Taken."`},
		"a failure, by nobody": {nil, errors.New("password hunter2"), 500, problem.DefaultTypeBase + "internal"},
	} {
		t.Run(name, func(t *testing.T) {
			engine, layers := newEngine(t, once())
			runs := 0
			group := engine.Group("/", layers).Group("/", c.inside...)
			group.POST("/a", func(ctx *gin.Context) { runs++; _ = ctx.Error(c.err) })
			s := inlinetest.Serve(t, engine)
			first, body := inlinetest.Exchange(t, s, "POST", "/a", "", keyed...)
			again, replay := inlinetest.Exchange(t, s, "POST", "/a", "", keyed...)
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

// TestNothingOutsideChangesAnAnswerThatIsGiven: with a status and no body, gin
// would let it.
func TestNothingOutsideChangesAnAnswerThatIsGiven(t *testing.T) {
	engine, layers := newEngine(t, once())
	engine.Use(func(c *gin.Context) {
		c.Next()
		if !c.Writer.Written() {
			c.Status(http.StatusTeapot)
		}
	})
	engine.Group("/", layers).POST("/a", func(c *gin.Context) { c.Status(http.StatusNoContent) })
	s := inlinetest.Serve(t, engine)
	for range 2 {
		res, _ := inlinetest.Exchange(t, s, "POST", "/a", "", keyed...)
		assert.Equal(t, http.StatusNoContent, res.StatusCode)
	}
}

func TestAbortedChainsStayAborted(t *testing.T) {
	forbid := func(c *gin.Context) { c.AbortWithStatusJSON(http.StatusForbidden, gin.H{"error": "no"}) }
	for name, c := range map[string]struct {
		outside, inside gin.HandlerFunc
		fields          []string
		status          int
		layers          bool // are reached
	}{
		"outside":       {forbid, nil, keyed, 403, false},
		"inside":        {nil, forbid, keyed, 403, true},
		"by the layers": {nil, nil, nil, 400, true},
	} {
		t.Run(name, func(t *testing.T) {
			config := once()
			reached, ran, after := false, false, false
			config.Observer = observer(func(middleware.Event) { reached = true })
			engine, layers := newEngine(t, config)
			engine.Use(func(ctx *gin.Context) { ctx.Next(); after = ctx.IsAborted() })
			var chain []gin.HandlerFunc
			for _, h := range []gin.HandlerFunc{c.outside, layers, c.inside} {
				if h != nil {
					chain = append(chain, h)
				}
			}
			chain = append(chain, func(*gin.Context) { ran = true })
			engine.POST("/a", chain...)
			res, _ := inlinetest.Exchange(t, inlinetest.Serve(t, engine), "POST", "/a", "", c.fields...)
			assert.Equal(t, c.status, res.StatusCode)
			assert.Equal(t, c.layers, reached)
			assert.False(t, ran)
			assert.True(t, after)
		})
	}
}

// TestAChainThatAnswersPastTheLayersIsAFault: Engine.HandleContext begins a chain
// anew, with gin's own writer. They would record and share an empty 200.
func TestAChainThatAnswersPastTheLayersIsAFault(t *testing.T) {
	engine, layers := newEngine(t, once())
	fault := any(nil)
	engine.Use(gin.CustomRecoveryWithWriter(io.Discard, func(_ *gin.Context, v any) { fault = v }))
	runs := 0
	engine.POST("/b", func(c *gin.Context) { runs++; c.String(http.StatusCreated, "done") })
	engine.POST("/a", layers, func(c *gin.Context) {
		c.Request.URL.Path = "/b"
		engine.HandleContext(c)
	})
	s := inlinetest.Serve(t, engine)
	inlinetest.Exchange(t, s, "POST", "/a", "", keyed...)
	assert.Contains(t, fault, "HandleContext")
	res, body := inlinetest.Exchange(t, s, "POST", "/a", "", keyed...)
	assert.Equal(t, http.StatusConflict, res.StatusCode)
	assert.Contains(t, body, "outcome-unknown")
	assert.Equal(t, 1, runs)
}

func TestLocksNeedRoutes(t *testing.T) {
	everything := func(*http.Request) bool { return true }
	engine, layers := newEngine(t, concord.Config{Lock: &lock.Config{Lockable: everything}})
	group := engine.Group("/", layers)
	group.Match([]string{"LOCK", "UNLOCK"}, "/a", func(*gin.Context) { t.Error("ran") })
	group.PUT("/b", func(*gin.Context) {})
	s := inlinetest.Serve(t, engine)
	res, _ := inlinetest.Exchange(t, s, "LOCK", "/a", "")
	assert.Equal(t, http.StatusOK, res.StatusCode)
	res, _ = inlinetest.Exchange(t, s, "UNLOCK", "/a", "", "Lock-Token", res.Header.Get("Lock-Token"))
	assert.Equal(t, http.StatusNoContent, res.StatusCode)
	res, _ = inlinetest.Exchange(t, s, "LOCK", "/b", "")
	assert.Equal(t, http.StatusNotFound, res.StatusCode)
}
