package main

import (
	"errors"
	"slices"
	"testing"
)

func TestPaymentsChargeOnceForEachTimeTheyAreAsked(t *testing.T) {
	var payments Payments
	if list := payments.List(); list == nil || len(list) != 0 {
		t.Errorf("%v; want an empty list, which is not null in JSON", list)
	}
	var made []Payment
	for n := range 2 {
		p, err := payments.Charge(order)
		if err != nil || p.Order != order || p.Charge != n+1 {
			t.Fatalf("%+v, %v; want charge %d", p, err, n+1)
		}
		made = append(made, p)
	}
	if made[0].ID == made[1].ID {
		t.Error("two payments have one id")
	}
	if got := payments.List(); !slices.Equal(got, made) {
		t.Errorf("List: %v, want %v", got, made)
	}
	if got, ok := payments.Get(made[1].ID); !ok || got != made[1] {
		t.Errorf("Get: %v, %v", got, ok)
	}
	if got, ok := payments.Get(""); ok {
		t.Errorf("Get of what is not there: %v", got)
	}
}

func TestThereIsALimitToPayments(t *testing.T) {
	var payments Payments
	for range maxPayments {
		if _, err := payments.Charge(order); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := payments.Charge(order); !errors.Is(err, errFull) {
		t.Errorf("one more than the limit: %v", err)
	}
}
