package clients

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/concordhttp/concord"
)

// newPayments is an API that takes payments, and none without a key.
func newPayments(t *testing.T, configure func(*server, *concord.Config)) *server {
	t.Helper()
	s := newServer(t, func(s *server, c *concord.Config) {
		c.Idempotency.Require = concord.Routes("POST /payments")
		configure(s, c)
	})
	s.mux.HandleFunc("POST /payments", s.payment)
	return s
}

// payment takes a payment. One of nothing is more than it can bear.
func (s *server) payment(w http.ResponseWriter, r *http.Request) {
	number := s.effect(r)
	if amount, _ := io.ReadAll(r.Body); string(amount) == "0" {
		http.Error(w, "nobody thought of that", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Location", fmt.Sprintf("/payments/%d", number))
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, "Payment %d.", number)
}
