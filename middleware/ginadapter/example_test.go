package ginadapter_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gin-gonic/gin"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/middleware/ginadapter"
)

// protect puts layers into the chains of two groups, each with its own
// configuration: notes are edited, payments made once.
func protect(engine *gin.Engine, config concord.Config, authenticate gin.HandlerFunc) (notes, payments *gin.RouterGroup, err error) {
	edits, err := concord.New(config)
	if err != nil {
		return nil, nil, err
	}
	once, err := edits.With(func(c *concord.Config) {
		c.Idempotency.Require = func(*http.Request) bool { return true }
	})
	if err != nil {
		return nil, nil, err
	}
	notes = engine.Group("/notes", authenticate, ginadapter.Wrap(engine, edits.Handler)) // reads and writes of a resource in one group
	payments = engine.Group("/payments", authenticate, ginadapter.Wrap(engine, once.Handler))
	return notes, payments, nil
}

func ExampleWrap() {
	gin.SetMode(gin.ReleaseMode)
	engine, text, charges := gin.New(), "Buy milk.", 0
	authenticate := func(c *gin.Context) {
		if _, _, ok := c.Request.BasicAuth(); !ok {
			c.AbortWithStatus(http.StatusUnauthorized)
		}
	}
	notes, payments, err := protect(engine, concord.Config{Principal: concord.ByAuthorization}, authenticate)
	if err != nil {
		panic(err)
	}
	notes.GET("/:id", func(c *gin.Context) { c.String(http.StatusOK, "%s", text) })
	notes.PUT("/:id", func(*gin.Context) { text = "Buy tea." })
	payments.POST("", func(c *gin.Context) {
		charges++
		c.String(http.StatusCreated, "Charge %d.", charges)
	})

	send := func(method, path string, fields ...string) (tag string) {
		r := httptest.NewRequest(method, path, http.NoBody)
		r.SetBasicAuth("ann", "")
		for i := 0; i < len(fields); i += 2 {
			r.Header.Set(fields[i], fields[i+1])
		}
		w := httptest.NewRecorder()
		engine.ServeHTTP(w, r)
		fmt.Printf("%s %s %d, replayed: %t\n", method, path, w.Code, w.Header().Get("Idempotency-Replayed") == "true")
		return w.Header().Get("ETag")
	}
	tag := send("GET", "/notes/1")
	send("PUT", "/notes/1", "If-Match", `"old"`)
	send("PUT", "/notes/1", "If-Match", tag)
	send("POST", "/payments")
	send("POST", "/payments", "Idempotency-Key", `"1"`)
	send("POST", "/payments", "Idempotency-Key", `"1"`)
	// Output:
	// GET /notes/1 200, replayed: false
	// PUT /notes/1 412, replayed: false
	// PUT /notes/1 200, replayed: false
	// POST /payments 400, replayed: false
	// POST /payments 201, replayed: false
	// POST /payments 201, replayed: true
}
