package main

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/lock"
	"github.com/concordhttp/concord/middleware/problem"
)

// newStack is where Concord is configured. A server can do with Principal alone;
// the rest says what this API wants beyond that.
func newStack(k kept, respond problem.Responder, observer middleware.Observer) (*concord.Stack, error) {
	return concord.New(concord.Config{
		Store:     limited{k.records},
		Namespace: k.namespace,
		Principal: caller,
		Respond:   respond,
		Observer:  observer,
		ETag: etag.Config{
			Require: concord.Routes(
				"PUT /documents/{id}",
				"PATCH /documents/{id}",
				"DELETE /documents/{id}",
			),
			GateWait: time.Second,
		},
		Idempotency: idempotency.Config{
			Require:        concord.Routes("POST /payments"),
			MaxRequestBody: maxBody,
		},
		Lock: &lock.Config{
			Lockable: concord.Routes("/documents/{id}"),
			Holder:   func(r *http.Request) string { name, _ := caller(r); return name },
		},
	})
}

// caller is whom a request acts for: keys and locks are its own. Nobody signs in
// here, so the name is believed as it comes: curl -u ann: is Ann. A real server
// returns the user whom it has authenticated.
func caller(r *http.Request) (string, error) {
	name, _, _ := r.BasicAuth()
	if name == "" {
		return "", errors.New("the request names nobody; curl -u ann: does")
	}
	return name, nil
}

// newHandler is the API with Concord around it.
func newHandler(stack *concord.Stack, a *api) http.Handler {
	mux := http.NewServeMux()
	a.routes(router{mux, stack.HandlerFunc})
	return markStoreFaults(stack.Handler(mux))
}

// newServer returns a server of the API with its data in memory, and the Stack
// to close after it. Every wait for a client has an end, and its Shutdown ends
// the event streams.
func newServer(log *slog.Logger, k kept, f form, events bool) (*http.Server, *concord.Stack, error) {
	var observer middleware.Observer // nobody
	if events {
		observer = concord.Log(log)
	}
	stack, err := newStack(k, f.respond, observer)
	if err != nil {
		return nil, nil, err
	}
	a := newAPI()
	server := &http.Server{
		Handler:           newHandler(stack, a),
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelError),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	server.RegisterOnShutdown(a.events.Close)
	return server, stack, nil
}
