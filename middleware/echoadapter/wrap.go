package echoadapter

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/internal/inline"
	"github.com/concordhttp/concord/middleware/problem"
)

// Wrap makes m, a Stack's Handler for example, a middleware of echo. The layers
// see the status and the body that the handler answers with or, if it returns an
// error, those of Echo.HTTPErrorHandler.
//
// What the layers want to know of the resource (etag.Config without Current) the
// whole Echo is asked: a GET of its own, from the first middleware to the
// handler of the GET route, while the write that it is asked for waits. The
// handler of a write itself is never run for a GET.
//
// m is called once. The handler runs once at most for a request, and has ended
// when the middleware of echo returns, also if m runs it in another goroutine,
// since echo then uses the context for another request. Wrap panics if m is nil;
// what it returns is safe for concurrent use.
func Wrap(m middleware.Middleware) echo.MiddlewareFunc {
	if m == nil {
		panic("echoadapter: Wrap of a nil middleware")
	}
	layers := inline.New(m)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			p := passage{c: c, response: c.Response(), request: c.Request(), handler: next}
			layers.Serve(outer{p.response}, p.request, c.Echo(), p.next)
			return p.err
		}
	}
}

// passage is one request on its way through the layers.
type passage struct {
	c        echo.Context
	response *echo.Response // what they write to
	request  *http.Request  // as they got it
	handler  echo.HandlerFunc
	err      error // the handler's
}

// next runs the handler, with what the layers give it in the place of what they
// got.
func (p *passage) next(w http.ResponseWriter, r *http.Request) {
	defer func() {
		p.c.SetResponse(p.response)
		p.c.SetRequest(p.request)
	}()
	response := echo.NewResponse(w, p.c.Echo())
	response.Status = http.StatusOK // as echo's own has it before anything is written
	p.c.SetResponse(response)
	p.c.SetRequest(r)
	p.err = p.handler(p.c)
	middleware.GiveBack(p.request, p.c.Request())
	if p.err == nil {
		return
	}
	p.c.Error(p.err)
	if !response.Committed { // silence would be a success
		failed := func(http.ResponseWriter, *http.Request) error { return p.err }
		problem.Responder(nil).HandlerFunc(failed).ServeHTTP(response, r)
	}
}
