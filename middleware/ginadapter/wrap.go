package ginadapter

import (
	"net/http"
	"reflect"

	"github.com/gin-gonic/gin"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/internal/inline"
)

// Wrap makes m, a Stack's Handler for example, a middleware of gin. The layers
// see the status and the body that the rest of the chain answers with; if they
// answer themselves, the chain is aborted.
//
// engine is asked what the layers want to know of the resource (etag.Config
// without Current): a GET of its own, from the first middleware of the engine to
// the last handler of the GET route, while the write that it is asked for waits.
// The route of a write itself is never run for a GET, and a resource without a
// GET route has no validator. Routes are to be made before the first request.
//
// m is called once. The rest of the chain runs once at most for a request, and
// has ended when the middleware of gin returns, also if m runs it in another
// goroutine, since gin then uses the context for another request. Wrap panics if
// engine or m is nil; what it returns is safe for concurrent use.
func Wrap(engine *gin.Engine, m middleware.Middleware) gin.HandlerFunc {
	if engine == nil || m == nil {
		panic("ginadapter: Wrap of a nil engine or middleware")
	}
	layers, routes, gins := inline.New(m), newAsked(engine), writerOf(engine)
	return func(c *gin.Context) {
		router := http.Handler(routes)
		if c.FullPath() == "" { // nor is there a route for the write: both get the answer of NoRoute
			router = engine
		}
		to := &outer{ResponseWriter: c.Writer}
		called := layers.Serve(to, c.Request, router, (&passage{c, c.Writer, c.Request, gins}).next)
		to.end()
		if !called {
			c.Abort()
		}
	}
}

// passage is one request on its way through the layers.
type passage struct {
	c       *gin.Context
	writer  gin.ResponseWriter // what they write to
	request *http.Request      // as they got it
	gins    reflect.Type
}

// next runs the rest of the chain, with what the layers give it in the place of
// what they got.
func (p *passage) next(w http.ResponseWriter, r *http.Request) {
	c, errors := p.c, len(p.c.Errors)
	defer func() { c.Writer, c.Request = p.writer, p.request }()
	inner := newWriter(w, r, p.writer)
	c.Writer, c.Request = inner, r
	c.Next()
	if reflect.TypeOf(c.Writer) == p.gins {
		panic("ginadapter: the chain inside of Wrap has answered past the layers, as Engine.HandleContext does")
	}
	settle(c, inner, c.Errors[min(errors, len(c.Errors)):])
	middleware.GiveBack(p.request, c.Request)
}

// writerOf is the type of gin's own writer, which a Context has where a chain
// begins. Inside of the layers that is what Engine.HandleContext has left there.
func writerOf(engine *gin.Engine) reflect.Type {
	return reflect.TypeOf(gin.CreateTestContextOnly(nil, engine).Writer)
}
