// Gin is Concord in groups of a gin engine. go run ./examples/gin answers:
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
	"io"
	"log"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/middleware/ginadapter"
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
	engine := gin.New()
	group := engine.Group("/notes", ginadapter.Wrap(engine, edits.Handler))
	group.GET("/:id", func(c *gin.Context) {
		if note, ok := notes.Load(c.Param("id")); ok {
			c.String(http.StatusOK, "%s", note)
			return
		}
		c.Status(http.StatusNotFound)
	})
	group.PUT("/:id", func(c *gin.Context) {
		if note, err := io.ReadAll(c.Request.Body); err == nil {
			notes.Store(c.Param("id"), note)
			c.Status(http.StatusNoContent)
		}
	})
	engine.POST("/payments", ginadapter.Wrap(engine, once.Handler), func(c *gin.Context) {
		c.String(http.StatusCreated, "Charge %d.", charges.Add(1))
	})
	return engine
}

func main() {
	server := &http.Server{Addr: "127.0.0.1:8080", Handler: newHandler(), ReadTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}
