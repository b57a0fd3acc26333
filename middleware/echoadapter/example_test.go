package echoadapter_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/labstack/echo/v4"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/middleware/echoadapter"
)

// protect puts layers into the chains of two groups, each with its own
// configuration: notes are edited, payments made once.
func protect(e *echo.Echo, config concord.Config, authenticate echo.MiddlewareFunc) (notes, payments *echo.Group, err error) {
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
	notes = e.Group("/notes", authenticate, echoadapter.Wrap(edits.Handler)) // reads and writes of a resource in one group
	payments = e.Group("/payments", authenticate, echoadapter.Wrap(once.Handler))
	return notes, payments, nil
}

func ExampleWrap() {
	e, text, charges := echo.New(), "Buy milk.", 0
	authenticate := func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if _, _, ok := c.Request().BasicAuth(); !ok {
				return echo.ErrUnauthorized
			}
			return next(c)
		}
	}
	notes, payments, err := protect(e, concord.Config{Principal: concord.ByAuthorization}, authenticate)
	if err != nil {
		panic(err)
	}
	notes.GET("/:id", func(c echo.Context) error { return c.String(http.StatusOK, text) })
	notes.PUT("/:id", func(echo.Context) error { text = "Buy tea."; return nil })
	payments.POST("", func(c echo.Context) error {
		charges++
		return c.String(http.StatusCreated, fmt.Sprintf("Charge %d.", charges))
	})

	send := func(method, path string, fields ...string) (tag string) {
		r := httptest.NewRequest(method, path, http.NoBody)
		r.SetBasicAuth("ann", "")
		for i := 0; i < len(fields); i += 2 {
			r.Header.Set(fields[i], fields[i+1])
		}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
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
