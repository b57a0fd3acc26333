package echoadapter_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/labstack/echo/v4"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/middleware/echoadapter"
	"github.com/concordhttp/concord/middleware/problem"
)

// answerErrors has conflicts answered as the Stack answers what its handlers
// return, and everything else as before.
func answerErrors(e *echo.Echo, stack *concord.Stack) {
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		if _, conflict := problem.From(err); !conflict || c.Response().Committed {
			e.DefaultHTTPErrorHandler(err, c)
			return
		}
		stack.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return err }).ServeHTTP(c.Response(), c.Request())
	}
}

// Errors that handlers return are answered inside of the layers, so that a retry
// gets the same answer.
func ExampleWrap_errors() {
	stack, err := concord.New(concord.Config{Principal: concord.DangerouslyShared, Respond: problem.Negotiate})
	if err != nil {
		panic(err)
	}
	e := echo.New()
	answerErrors(e, stack)
	e.Use(echoadapter.Wrap(stack.Handler))
	e.POST("/seats/12", func(echo.Context) error { return problem.StateConflict("Seat 12 is taken.") })

	for range 2 {
		r := httptest.NewRequest("POST", "/seats/12", http.NoBody)
		r.Header.Set("Idempotency-Key", `"1"`)
		r.Header.Set("Accept", "text/plain")
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		fmt.Printf("%d %s, replayed: %t\n", w.Code, w.Header().Get("Content-Type"), w.Header().Get("Idempotency-Replayed") == "true")
	}
	// Output:
	// 409 text/plain; charset=utf-8, replayed: false
	// 409 text/plain; charset=utf-8, replayed: true
}
