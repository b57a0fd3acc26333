// Nethttp is Concord around a ServeMux. go run ./examples/nethttp answers:
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

	"github.com/concordhttp/concord"
)

func newHandler() http.Handler {
	var notes sync.Map
	var charges atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("GET /notes/{id}", func(w http.ResponseWriter, r *http.Request) {
		if note, ok := notes.Load(r.PathValue("id")); ok {
			fmt.Fprint(w, note)
			return
		}
		http.NotFound(w, r)
	})
	mux.HandleFunc("PUT /notes/{id}", func(w http.ResponseWriter, r *http.Request) {
		if note, err := io.ReadAll(r.Body); err == nil {
			notes.Store(r.PathValue("id"), string(note))
			w.WriteHeader(http.StatusNoContent)
		}
	})
	mux.HandleFunc("POST /payments", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, "Charge %d.", charges.Add(1))
	})

	config := concord.Config{Principal: concord.ByAuthorization}
	config.ETag.Require = concord.Routes("PUT /notes/{id}")
	config.Idempotency.Require = concord.Routes("POST /payments")
	stack, err := concord.New(config)
	if err != nil {
		log.Fatal(err)
	}
	return stack.Handler(mux)
}

func main() {
	server := &http.Server{Addr: "127.0.0.1:8080", Handler: newHandler(), ReadTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}
