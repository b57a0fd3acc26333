package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/concordhttp/concord"
)

// Limits on what a client may ask for.
const (
	maxOrder     = 4 << 10 // bytes
	maxReference = 64      // bytes
	maxSlow      = 10 * time.Second
)

// Order is what a customer wants to be charged.
type Order struct {
	Reference string `json:"reference,omitempty"` // the customer's own name for it
	Amount    int64  `json:"amount"`              // in the currency's smallest unit: 1250 is EUR 12.50
	Currency  string `json:"currency"`
}

// Payment is one charge.
type Payment struct {
	ID string `json:"id"`
	Order
}

func newMux(stack *concord.Stack, l ledger) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("POST /payments", stack.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		return charge(w, r, l)
	}))
	mux.Handle("GET /payments", stack.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		all, err := l.list(r.Context())
		if err != nil {
			return err
		}
		return answer(w, http.StatusOK, all)
	}))
	return mux
}

// charge charges whenever it runs. With ?slow=2s it takes its time, half of it
// before the charge and half after: that is when to kill or to stop the server.
func charge(w http.ResponseWriter, r *http.Request, l ledger) error {
	o, ok := readOrder(w, r)
	if !ok {
		http.Error(w, `the body is no order such as {"amount":1250,"currency":"EUR"}`, http.StatusUnprocessableEntity)
		return nil
	}
	slow, _ := time.ParseDuration(r.FormValue("slow"))
	half := min(slow, maxSlow) / 2
	if !pause(r.Context(), half) {
		// The lease is lost, say: nothing may be done under it any more. With
		// Retry-After this says that nothing was, so that the key is free again.
		w.Header().Set("Retry-After", "1")
		http.Error(w, "the server stopped working on this; nothing was charged", http.StatusServiceUnavailable)
		return nil
	}
	made, err := l.charge(r.Context(), o)
	if err != nil {
		return err // problem.FromSQL tells conflicts of the database from failures
	}
	pause(r.Context(), half)
	w.Header().Set("Location", "/payments/"+made.ID)
	return answer(w, http.StatusCreated, made)
}

func readOrder(w http.ResponseWriter, r *http.Request) (o Order, ok bool) {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOrder)).Decode(&o)
	return o, err == nil && o.Amount > 0 && len(o.Currency) == 3 && len(o.Reference) <= maxReference
}

// pause reports whether ctx has not ended after d.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

func answer(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(v)
}
