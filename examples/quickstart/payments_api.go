package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// maxAmount is the largest amount that may be charged at once.
const maxAmount = 1_000_000_00

// paymentsAPI is the HTTP face of Payments. It charges whenever its handler
// runs: it knows nothing of keys, and would read the same without Concord.
type paymentsAPI struct{ payments *Payments }

// routes adds the API to mux.
func (a paymentsAPI) routes(mux *http.ServeMux) {
	handle(mux, "POST /payments", a.create)
	handle(mux, "GET /payments", a.list)
	handle(mux, "GET /payments/{id}", a.read)
}

func (a paymentsAPI) create(w http.ResponseWriter, r *http.Request) error {
	order, err := readOrder(w, r)
	if err != nil {
		return refuse(w, err)
	}
	fault, err := readFault(r)
	if err != nil {
		return refuse(w, err)
	}
	if !fault.wait(r.Context()) {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "it took too long, and nothing was charged", http.StatusServiceUnavailable)
		return nil
	}
	made, err := a.payments.Charge(order)
	if err != nil {
		return refuse(w, err)
	}
	if err := fault.strike(); err != nil {
		return err
	}
	w.Header().Set("Location", "/payments/"+made.ID)
	return reply(w, http.StatusCreated, made)
}

func (a paymentsAPI) list(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, http.StatusOK, a.payments.List())
}

func (a paymentsAPI) read(w http.ResponseWriter, r *http.Request) error {
	made, ok := a.payments.Get(r.PathValue("id"))
	if !ok {
		http.Error(w, "there is no such payment", http.StatusNotFound)
		return nil
	}
	return reply(w, http.StatusOK, made)
}

// readOrder returns the order in r's body. Its error is a *requestError.
func readOrder(w http.ResponseWriter, r *http.Request) (Order, error) {
	in, err := readJSON(w, r, "application/json")
	if err != nil {
		return Order{}, err
	}
	var o *Order // null leaves it nil
	switch err := json.Unmarshal(in, &o); {
	case err != nil || o == nil:
		return Order{}, &requestError{http.StatusUnprocessableEntity, "the body is no payment"}
	case o.Amount < 1 || o.Amount > maxAmount:
		text := fmt.Sprintf("a payment wants an amount, from 1 to %d of the currency's smallest unit", maxAmount)
		return Order{}, &requestError{http.StatusUnprocessableEntity, text}
	case len(o.Currency) != 3 || strings.Trim(o.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "":
		return Order{}, &requestError{http.StatusUnprocessableEntity, "a payment wants a currency, three capital letters such as EUR"}
	}
	return *o, nil
}
