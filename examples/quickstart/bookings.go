package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
)

const (
	maxBookings = 1000 // keeps a server that anybody may post to within its memory
	maxSlot     = 32   // bytes of a slot's name
)

var errTaken = errors.New("the slot is taken")

// Bookings gives each slot to one who asks for it. Safe for concurrent use.
type Bookings struct {
	mu     sync.Mutex
	bySlot map[string]string // the id of the booking that has it
}

// NewBookings returns Bookings with every slot free.
func NewBookings() *Bookings { return &Bookings{bySlot: map[string]string{}} }

// Book takes a slot and returns the id of the booking, or errTaken.
func (b *Bookings) Book(slot string) (id string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, taken := b.bySlot[slot]; taken {
		return "", errTaken
	}
	if len(b.bySlot) >= maxBookings {
		return "", errFull
	}
	id = strconv.Itoa(len(b.bySlot) + 1)
	b.bySlot[slot] = id
	return id, nil
}

// bookingsAPI is the HTTP face of Bookings.
type bookingsAPI struct{ bookings *Bookings }

func (a bookingsAPI) routes(r router) {
	r.handle("POST /bookings", a.create)
}

func (a bookingsAPI) create(w http.ResponseWriter, r *http.Request) error {
	in, err := readJSON(w, r, "application/json")
	if err != nil {
		return refuse(w, err)
	}
	var wanted struct {
		Slot string `json:"slot"`
	}
	if err := json.Unmarshal(in, &wanted); err != nil || wanted.Slot == "" || len(wanted.Slot) > maxSlot {
		text := fmt.Sprintf("a booking wants a slot, named in at most %d bytes", maxSlot)
		return refuse(w, &requestError{http.StatusUnprocessableEntity, text})
	}
	id, err := a.bookings.Book(wanted.Slot)
	if err != nil {
		return refuse(w, err)
	}
	w.Header().Set("Location", "/bookings/"+id)
	return reply(w, http.StatusCreated, wanted)
}
