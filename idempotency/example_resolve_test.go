package idempotency_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
)

// openCases is an observer that remembers what somebody has to look into. A real
// one would write it to where operators look.
type openCases struct{ unknown []string }

func (c *openCases) Observe(_ context.Context, e middleware.Event) {
	if e.Kind == middleware.EventUnknown {
		c.unknown = append(c.unknown, e.Key)
	}
}

// A gateway timed out, and nobody knows whether the payment was made. The client
// is told so, until an operator has asked the bank; then it gets the answer.
func ExampleLayer_Resolve() {
	open := &openCases{}
	layer, err := idempotency.New(idempotency.Config{Principal: subject, Observer: open})
	if err != nil {
		panic(err)
	}
	h := authenticate(layer.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusGatewayTimeout)
	})))

	pays(h, "alice", "1", "")
	pays(h, "alice", "1", "")
	err = layer.Resolve(context.Background(), open.unknown[0], &idempotency.Outcome{
		Status: http.StatusCreated,
		Header: http.Header{"Content-Type": {"text/plain"}},
		Body:   []byte("charge 7"),
	})
	fmt.Println(err)
	pays(h, "alice", "1", "")
	// Output:
	// 504
	// 409 The outcome of the first request is unknown
	// <nil>
	// 201 charge 7 (replayed)
}

// A customer asks about a payment and names its key. The reference of that is
// what the log calls it.
func ExampleLayer_Reference() {
	open := &openCases{}
	layer, err := idempotency.New(idempotency.Config{Principal: subject, Observer: open})
	if err != nil {
		panic(err)
	}
	h := authenticate(layer.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusGatewayTimeout)
	})))
	pays(h, "alice", "8e03978e", "")

	quoted, err := layer.Reference("owner of alice", `"8e03978e"`)
	fmt.Println(quoted == open.unknown[0], err)
	_, err = layer.Reference("owner of alice", "")
	fmt.Println(err)
	// Output:
	// 504
	// true <nil>
	// idempotency: Idempotency-Key: it is empty
}
