package main

import (
	"crypto/rand"
	"slices"
	"sync"
)

// maxPayments keeps a server that anybody may post to within its memory.
const maxPayments = 1000

// Order is what a client wants to be charged.
type Order struct {
	Amount   int64  `json:"amount"` // in the currency's smallest unit: 1250 is EUR 12.50
	Currency string `json:"currency"`
}

// Payment is one charge of a card.
type Payment struct {
	ID     string `json:"id"`
	Charge int    `json:"charge"` // the first ever is 1, the next one 2
	Order
	Receipt string `json:"receipt,omitempty"` // sent with the answer, and not kept
}

// Payments stands for the bank: whatever it is asked for it charges, once for
// each time that it is asked, and nothing takes that back. Safe for concurrent
// use.
type Payments struct {
	mu   sync.Mutex
	made []Payment
}

// Charge makes a payment, or returns errFull.
func (p *Payments) Charge(o Order) (Payment, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.made) >= maxPayments {
		return Payment{}, errFull
	}
	made := Payment{ID: rand.Text(), Charge: len(p.made) + 1, Order: o}
	p.made = append(p.made, made)
	return made, nil
}

// List returns every payment, in the order in which they were made.
func (p *Payments) List() []Payment {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Payment{}, p.made...)
}

// Get returns the payment with this id, if there is one.
func (p *Payments) Get(id string) (Payment, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := slices.IndexFunc(p.made, func(made Payment) bool { return made.ID == id })
	if at < 0 {
		return Payment{}, false
	}
	return p.made[at], true
}
