package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/examples/storeurl"
	"github.com/concordhttp/concord/idempotency"
)

// newStack is where Concord is configured.
func newStack(o options, opened *storeurl.Opened) (*concord.Stack, error) {
	config := concord.Config{
		Store:     opened.Store,
		Principal: payer,
		Observer:  concord.Log(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))),
		Idempotency: idempotency.Config{
			Require: concord.Routes("POST /payments"),
			Lease:   o.lease,
			MaxRun:  10 * o.lease,
		},
	}
	o.mode.configure(&config.Idempotency)
	return concord.New(config)
}

// payer is who pays. Nobody signs in here; a real server returns the user
// whom it has authenticated.
func payer(r *http.Request) (string, error) {
	name, _, _ := r.BasicAuth()
	if name == "" {
		return "", errors.New("the request names nobody; curl -u ann: does")
	}
	return name, nil
}

// serve serves until ctx ends.
func serve(ctx context.Context, o options, stdout io.Writer) (err error) {
	opened, err := storeurl.Open(ctx, o.store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	handler, err := newHandler(ctx, o, opened)
	if err != nil {
		return err
	}
	sweep, stop := context.WithCancel(ctx)
	defer stop()
	go opened.Sweep(sweep, time.Minute, func(err error) { slog.Warn("sweep", slog.Any("err", err)) })
	return listenAndServe(ctx, o.addr, handler, stdout)
}

func newHandler(ctx context.Context, o options, opened *storeurl.Opened) (http.Handler, error) {
	ledger, err := openLedger(ctx, o, opened)
	if err != nil {
		return nil, err
	}
	stack, err := newStack(o, opened)
	if err != nil {
		return nil, err
	}
	return stack.Handler(newMux(stack, ledger)), nil
}

func listenAndServe(ctx context.Context, addr string, h http.Handler, stdout io.Writer) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	shutDown := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		shutDown <- server.Shutdown(within)
	})
	fmt.Fprintf(stdout, "serving on http://%s\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-shutDown
}
