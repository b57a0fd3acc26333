package idempotency_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/concordhttp/concord/idempotency"
)

// Under Rerun a handler stops when its context ends. One that does not goes on
// after its claim is lost, and charges for a payment that its successor has
// charged for by then.
func ExampleLayer_Handler_incorrectContext() {
	for _, heedful := range []bool{
		false, // incorrect
		true,
	} {
		layer, err := idempotency.New(idempotency.Config{
			Principal: subject,
			Unknown:   idempotency.Rerun,
			Lease:     50 * time.Millisecond,
			MaxRun:    50 * time.Millisecond,
			Wait:      time.Minute, // the retry waits until the first run is over, or its lease
		})
		if err != nil {
			panic(err)
		}
		var runs, charges atomic.Int64
		began, slow := make(chan struct{}), make(chan struct{})
		pay := authenticate(layer.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if runs.Add(1) == 1 {
				close(began)
				ended := r.Context().Done()
				if !heedful {
					ended = nil
				}
				select {
				case <-slow: // the bank answers at last
				case <-ended: // nothing was done; to return without a word would be 200
					w.Header().Set("Retry-After", "1")
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
			}
			charges.Add(1)
		})))

		var first sync.WaitGroup
		first.Go(func() { sendPayment(pay, "alice", "1") })
		<-began
		sendPayment(pay, "alice", "1") // takes over
		close(slow)
		first.Wait()
		fmt.Println("charged", charges.Load())
	}
	// Output:
	// charged 2
	// charged 1
}
