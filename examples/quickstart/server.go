package main

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/middleware"
)

// newHandler is where Concord is added: the API, and one layer around it.
func newHandler(documents *Documents, events *Events) (http.Handler, error) {
	mux := http.NewServeMux()
	api{documents}.routes(mux)
	mux.Handle("GET /events", events)

	layer, err := etag.New(etag.Config{
		Require: middleware.Routes(
			"PUT /documents/{id}",
			"PATCH /documents/{id}",
			"DELETE /documents/{id}",
		),
	})
	if err != nil {
		return nil, err
	}
	return layer.Handler(mux), nil
}

// newServer returns a server of the API on documents in memory. Every wait for
// a client has an end, and its Shutdown ends the event streams.
func newServer(log *slog.Logger) (*http.Server, error) {
	events := NewEvents()
	handler, err := newHandler(NewDocuments(events.Tell), events)
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
