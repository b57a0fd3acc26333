package idempotency_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

// A payment whose answer is lost on its way is sent again by the client itself, with
// the same key, and is made once.
func ExampleTransport() {
	server := unreliable()
	defer server.Close()
	client := &http.Client{Transport: &idempotency.Transport{}}

	ctx := idempotency.WithKey(context.Background(), "order 7") // kept with the order
	pay := func(body string) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/payments", bytes.NewReader([]byte(body)))
		if err != nil {
			panic(err)
		}
		res, err := client.Do(r)
		var refused *idempotency.RefusedError
		switch {
		case errors.As(err, &refused) && refused.Problem.Kind == problem.KindKeyReused:
			fmt.Println("another payment has this key")
			return
		case err != nil:
			panic(err)
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		fmt.Println(res.StatusCode, string(text))
	}
	pay("EUR 12.50")
	pay("EUR 12.50") // by a program that was started again, say
	pay("EUR 99.00")
	// Output:
	// 201 charge 1
	// 201 charge 1
	// another payment has this key
}

// A stream can be read once. It is not sent at all, as it could not be sent again.
func ExampleTransport_incorrect() {
	client := &http.Client{Transport: &idempotency.Transport{}}
	stream, _ := io.Pipe()
	_, err := client.Post("http://127.0.0.1/payments", "text/plain", stream) // incorrect
	fmt.Println(errors.Is(err, idempotency.ErrUnreplayableBody))
	// Output: true
}

// unreliable is a server that does what it is asked to, and loses its first answer.
func unreliable() *httptest.Server {
	layer, err := idempotency.New(idempotency.Config{Principal: middleware.DangerouslyShared})
	if err != nil {
		panic(err)
	}
	inner := layer.Handler(payments())
	var requests atomic.Int64
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 1 {
			inner.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		inner.ServeHTTP(w, r)
	}))
}
