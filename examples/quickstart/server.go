package main

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
)

// newHandler is where Concord is added: the API, and two layers around it.
func newHandler(documents *Documents, payments *Payments, events *Events) (http.Handler, error) {
	mux := http.NewServeMux()
	api{documents}.routes(mux)
	paymentsAPI{payments}.routes(mux)
	mux.Handle("GET /events", events)

	versions, err := etag.New(etag.Config{
		Require: middleware.Routes(
			"PUT /documents/{id}",
			"PATCH /documents/{id}",
			"DELETE /documents/{id}",
		),
	})
	if err != nil {
		return nil, err
	}
	once, err := idempotency.New(idempotency.Config{
		// Nobody signs in here, and everybody may see everything. A server with
		// accounts returns the one that it has authenticated: a key is its own.
		Principal: middleware.DangerouslyShared,
		Require:   middleware.Routes("POST /payments"),
	})
	if err != nil {
		return nil, err
	}
	// Keys come first: the retry of a PUT that was done must get its answer,
	// though the version that its If-Match names is not the current one any more.
	return once.Handler(versions.Handler(mux)), nil
}

// newServer returns a server of the API with its data in memory. Every wait for
// a client has an end, and its Shutdown ends the event streams.
func newServer(log *slog.Logger) (*http.Server, error) {
	events := NewEvents()
	handler, err := newHandler(NewDocuments(events.Tell), new(Payments), events)
	if err != nil {
		return nil, err
	}
	server := &http.Server{
		Handler:           handler,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelError),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	server.RegisterOnShutdown(events.Close)
	return server, nil
}
