package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

const (
	maxAmount    = 1_000_000_00 // the largest that may be charged at once
	largeReceipt = 2 << 20      // bytes: more than Concord keeps of an answer
)

// paymentsAPI is the HTTP face of Payments. It charges whenever its handler
// runs: it knows nothing of keys, and would read the same without Concord.
type paymentsAPI struct{ payments *Payments }

func (a paymentsAPI) routes(r router) {
	r.handle("POST /payments", a.create)
	r.handle("GET /payments", a.list)
	r.handle("GET /payments/{id}", a.read)
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
		return tooSlow(w, "it took too long, and nothing was charged")
	}
	made, err := a.payments.Charge(order)
	if err != nil {
		return refuse(w, err)
	}
	if err := fault.strike(); err != nil {
		return err
	}
	if fault.fail == "large" {
		made.Receipt = strings.Repeat("Thank you. ", largeReceipt/len("Thank you. "))
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
