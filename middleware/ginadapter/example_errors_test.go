package ginadapter_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gin-gonic/gin"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/middleware/ginadapter"
	"github.com/concordhttp/concord/middleware/problem"
)

// render answers the last error of a chain that has written nothing, as the Stack
// answers what its handlers return.
func render(stack *concord.Stack) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Next()
		if last := c.Errors.Last(); last != nil && !c.Writer.Written() {
			stack.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return last.Err }).ServeHTTP(c.Writer, c.Request)
		}
	}
}

// Middleware that makes answers of errors stands inside, after Wrap.
func ExampleWrap_errors() {
	gin.SetMode(gin.ReleaseMode)
	stack, err := concord.New(concord.Config{Principal: concord.DangerouslyShared, Respond: problem.Negotiate})
	if err != nil {
		panic(err)
	}
	engine := gin.New()
	engine.Use(ginadapter.Wrap(engine, stack.Handler), render(stack))
	engine.POST("/seats/12", func(c *gin.Context) { _ = c.Error(problem.StateConflict("Seat 12 is taken.")) })

	for range 2 {
		r := httptest.NewRequest("POST", "/seats/12", http.NoBody)
		r.Header.Set("Idempotency-Key", `"1"`)
		r.Header.Set("Accept", "text/plain")
		w := httptest.NewRecorder()
		engine.ServeHTTP(w, r)
		fmt.Printf("%d %s, replayed: %t\n", w.Code, w.Header().Get("Content-Type"), w.Header().Get("Idempotency-Replayed") == "true")
	}
	// Output:
	// 409 text/plain; charset=utf-8, replayed: false
	// 409 text/plain; charset=utf-8, replayed: true
}
