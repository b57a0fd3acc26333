package main

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

func TestASlotIsBookedOnce(t *testing.T) {
	bookings := NewBookings()
	var booked atomic.Int64
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			switch _, err := bookings.Book("10:00"); {
			case err == nil:
				booked.Add(1)
			case !errors.Is(err, errTaken):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if booked.Load() != 1 {
		t.Errorf("booked %d times", booked.Load())
	}
	if _, err := bookings.Book("11:00"); err != nil {
		t.Errorf("another slot: %v", err)
	}
}

func TestThereIsALimitToBookings(t *testing.T) {
	bookings := NewBookings()
	for i := range maxBookings {
		if _, err := bookings.Book(fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := bookings.Book("more"); !errors.Is(err, errFull) {
		t.Errorf("one more than the limit: %v", err)
	}
}
