// Chi is Concord around routes of a chi router. go run ./examples/chi answers:
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

	"github.com/go-chi/chi/v5"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/etag"
)

func newHandler() http.Handler {
	var notes sync.Map
	var charges atomic.Int64
	always := func(*http.Request) bool { return true }
	edits, err := concord.New(concord.Config{Principal: concord.ByAuthorization, ETag: etag.Config{
		Require: always,
		Current: func(r *http.Request) (etag.State, error) { // inside a router, nobody else can be asked
			note, ok := notes.Load(chi.URLParam(r, "id"))
			return etag.State{Exists: ok, Tag: etag.Of(fmt.Append(nil, note))}, nil
		},
	}})
	if err != nil {
		log.Fatal(err)
	}
	once, err := edits.With(func(c *concord.Config) { c.Idempotency.Require, c.ETag = always, etag.Config{} })
	if err != nil {
		log.Fatal(err)
	}
	router := chi.NewRouter()
	router.With(edits.Handler).Get("/notes/{id}", func(w http.ResponseWriter, r *http.Request) {
		if note, ok := notes.Load(chi.URLParam(r, "id")); ok {
			fmt.Fprint(w, note)
		} else {
			http.NotFound(w, r)
		}
	})
	router.With(edits.Handler).Put("/notes/{id}", func(w http.ResponseWriter, r *http.Request) {
		if note, err := io.ReadAll(r.Body); err == nil {
			notes.Store(chi.URLParam(r, "id"), string(note))
			w.WriteHeader(http.StatusNoContent)
		}
	})
	router.With(once.Handler).Post("/payments", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, "Charge %d.", charges.Add(1))
	})
	return router
}

func main() {
	server := &http.Server{Addr: "127.0.0.1:8080", Handler: newHandler(), ReadTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}
