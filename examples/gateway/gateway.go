package main

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/idempotency"
)

// newGateway returns a handler that protects what upstream serves.
func newGateway(upstream *url.URL, log *slog.Logger) (http.Handler, error) {
	stack, err := concord.New(concord.Config{
		// The callers' API keys. They may not change from one try to the next;
		// a gateway that checks tokens returns the subject of the token.
		Principal: concord.ByAuthorization,
		Observer:  concord.Log(log),
		Idempotency: idempotency.Config{
			Require: concord.Routes("POST /"), // what costs money comes with a key

			// A retry whose first try is still under way, since its client lost
			// the connection in the middle, waits for the end of it.
			Wait:            time.Minute,
			MaxRun:          5 * time.Minute,
			MaxResponseBody: 4 << 20, // kept for a retry
		},
	})
	if err != nil {
		return nil, err
	}
	// ReverseProxy flushes event streams, and other answers of unknown length, as
	// they come. Concord records them while they pass.
	return stack.Handler(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(upstream)
			r.SetXForwarded()
			r.Out.Header.Del("Expect") // Concord has read the body already
			sendOnce(r.Out)
		},
		ModifyResponse: measure,
		ErrorHandler:   failed,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}), nil
}

// failed answers a request that upstream did not answer. One that never reached
// it was not run: Retry-After says so, to the client and to Concord, which frees
// the key. Of any other nobody knows, and the key is not to be used again.
func failed(w http.ResponseWriter, _ *http.Request, err error) {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "the upstream cannot be reached; nothing was done", http.StatusServiceUnavailable)
		return
	}
	http.Error(w, "the upstream did not answer", http.StatusBadGateway)
}

// sendOnce keeps net/http from sending a request again by itself when the
// connection breaks. It does so if the request has no body and an Idempotency-Key,
// in the belief that upstream knows what that is: but it is what this gateway is
// for. In small letters the field is the same to upstream, and unknown to net/http.
func sendOnce(r *http.Request) {
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		if lines, ok := r.Header[name]; ok {
			delete(r.Header, name)
			r.Header[strings.ToLower(name)] = lines
		}
	}
}
