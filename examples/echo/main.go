// Echo is Concord in groups of an echo server. go run ./examples/echo answers:
//
//	$ curl -i -X PUT 127.0.0.1:8080/notes/1 -H 'If-None-Match: *' -d 'Buy milk.'
//	HTTP/1.1 204 No Content
//	…
//	$ curl -i 127.0.0.1:8080/notes/1
//	HTTP/1.1 200 OK
//	…
//	Etag: "Ks8o36nU6lHk1sUr7lBAmw"
//	…
//	Buy milk.
//	$ curl -i -X PUT 127.0.0.1:8080/notes/1 -H 'If-Match: "old"' -d 'Buy tea.'
//	HTTP/1.1 412 Precondition Failed
//	…
//	$ curl -i -u ann:secret 127.0.0.1:8080/payments -H 'Idempotency-Key: "1"' -d 'EUR 12.50'
//	HTTP/1.1 201 Created
//	…
//	Charge 1.
//	$ curl -i -u ann:secret 127.0.0.1:8080/payments -H 'Idempotency-Key: "1"' -d 'EUR 12.50'
//	HTTP/1.1 201 Created
//	…
//	Idempotency-Replayed: true
//	…
//	Charge 1.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/middleware/echoadapter"
)

func newHandler() http.Handler {
	var notes sync.Map
	var charges atomic.Int64
	always := func(*http.Request) bool { return true }
	config := concord.Config{Principal: concord.ByAuthorization}
	config.ETag.Require = always
	edits, err := concord.New(config)
	if err != nil {
		log.Fatal(err)
	}
	once, err := edits.With(func(c *concord.Config) { c.ETag.Require, c.Idempotency.Require = nil, always })
	if err != nil {
		log.Fatal(err)
	}
	e := echo.New()
	group := e.Group("/notes", echoadapter.Wrap(edits.Handler))
	group.GET("/:id", func(c echo.Context) error {
		if note, ok := notes.Load(c.Param("id")); ok {
			return c.String(http.StatusOK, fmt.Sprint(note))
		}
		return echo.ErrNotFound
	})
	group.PUT("/:id", func(c echo.Context) error {
		note, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		notes.Store(c.Param("id"), string(note))
		return c.NoContent(http.StatusNoContent)
	})
	e.POST("/payments", func(c echo.Context) error {
		return c.String(http.StatusCreated, fmt.Sprintf("Charge %d.", charges.Add(1)))
	}, echoadapter.Wrap(once.Handler))
	return e
}

func main() {
	server := &http.Server{Addr: "127.0.0.1:8080", Handler: newHandler(), ReadTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}
