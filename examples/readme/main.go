package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/concordhttp/concord"
)

func main() {
	var notes sync.Map // a server that you have already
	var charges atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("GET /notes/{id}", func(w http.ResponseWriter, r *http.Request) {
		if note, ok := notes.Load(r.PathValue("id")); ok {
			fmt.Fprint(w, note)
		} else {
			http.NotFound(w, r)
		}
	})
	mux.HandleFunc("PUT /notes/{id}", func(w http.ResponseWriter, r *http.Request) {
		if note, err := io.ReadAll(r.Body); err == nil {
			notes.Store(r.PathValue("id"), string(note))
		}
	})
	mux.HandleFunc("POST /payments", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, "Charge %d.", charges.Add(1))
	})

	config := concord.Config{Principal: concord.ByAuthorization} // better, the user whom you have authenticated
	config.ETag.Require = concord.Routes("PUT /notes/{id}")
	config.Idempotency.Require = concord.Routes("POST /payments")
	stack, err := concord.New(config)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", stack.Handler(mux)))
}
