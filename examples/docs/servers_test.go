package docs

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/store/sqlstore"
)

// The code of docs/servers.md. servers_run_test.go runs it.

// shared is what every server of the shop is configured with.
func shared(records *sqlstore.Store) concord.Config {
	return concord.Config{
		Store:     records,
		Namespace: "shop", // the same on every server, and on no other application of the store
		Principal: customer,
		Observer:  concord.Log(nil),
		Idempotency: idempotency.Config{
			Require: concord.Routes("POST /payments"),
			Lease:   15 * time.Second, // how long a retry waits for a server that died
			MaxRun:  time.Minute,      // longer than any handler takes
		},
	}
}

// serve serves until ctx ends, and then lets the requests end that have begun.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, stack *concord.Stack, records *sqlstore.Store) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		// As long as the platform waits between SIGTERM and SIGKILL, less a moment.
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), 25*time.Second)
		defer cancel()
		stopped <- server.Shutdown(within)
	})
	go sweep(ctx, records)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return errors.Join(<-stopped, stack.Close(context.WithoutCancel(ctx)))
}

// sweep removes what has expired; of several servers any one will do.
func sweep(ctx context.Context, records *sqlstore.Store) {
	every := time.NewTicker(5 * time.Minute)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
			if _, err := records.Sweep(ctx); err != nil {
				slog.WarnContext(ctx, "sweep", slog.Any("err", err))
			}
		}
	}
}
