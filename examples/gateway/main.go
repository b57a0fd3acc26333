// Gateway protects a server in any language: httputil.ReverseProxy with Concord
// around it. From the root of the repository:
//
//	go run ./examples/gateway -upstream http://127.0.0.1:9000
//
// Without -upstream it stands before a little one of its own, which plays a
// language model that is paid by the call. Break this off in the middle (Ctrl-C),
// and send it again: the whole completion comes, and it is the same call.
//
//	curl -iN -u ann: 127.0.0.1:8080/v1/completions -H 'Idempotency-Key: "42"' -d 'Tell me a story.'
package main

import (
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "gateway:", err)
		os.Exit(1)
	}
}

func run() error {
	addr := flag.String("addr", "127.0.0.1:8080", "`address` to listen on")
	upstream := flag.String("upstream", "", "`URL` of the server to protect; empty: one to play with")
	flag.Parse()
	if *upstream == "" {
		base, err := serveModel(250 * time.Millisecond)
		if err != nil {
			return err
		}
		*upstream = base
	}
	target, err := url.Parse(*upstream)
	if err != nil {
		return err
	}
	if target.Scheme == "" || target.Host == "" {
		return fmt.Errorf("-upstream %q is no URL such as http://127.0.0.1:9000", *upstream)
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	gateway, err := newGateway(target, log)
	if err != nil {
		return err
	}
	log.Info("serving", slog.String("addr", *addr), slog.String("upstream", *upstream))
	server := &http.Server{Addr: *addr, Handler: gateway, ReadHeaderTimeout: 5 * time.Second}
	return server.ListenAndServe()
}

// serveModel serves the model on a port of its own and returns its URL.
func serveModel(pause time.Duration) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at the start of the program, at once
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: &model{pause: pause}, ReadHeaderTimeout: 5 * time.Second}
	go server.Serve(listener) //nolint:errcheck // as long as the program
	return "http://" + listener.Addr().String(), nil
}
