package main

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/concordhttp/concord/middleware/problem"
)

// api is everything that the server serves. Nothing in it sets an ETag, looks at
// a precondition, a key or a lock: it would read the same without Concord, but
// for the conflicts that handlers find, which they return as errors.
type api struct {
	documents *Documents
	payments  *Payments
	bookings  *Bookings
	reports   *reports
	events    *Events
}

func newAPI() *api {
	events := NewEvents()
	a := &api{
		documents: NewDocuments(events.Tell),
		payments:  new(Payments),
		bookings:  NewBookings(),
		events:    events,
	}
	a.reports = newReports(a.documents, a.payments)
	return a
}

// routes adds the API to r.
func (a *api) routes(r router) {
	documentsAPI{a.documents}.routes(r)
	foldersAPI{a.documents}.routes(r)
	paymentsAPI{a.payments}.routes(r)
	bookingsAPI{a.bookings}.routes(r)
	r.handle("GET /reports/{id}", a.reports.read)
	r.mux.Handle("GET /events", a.events)
	r.mux.HandleFunc("GET /{$}", page)
}

// router is a ServeMux for handlers that may return an error.
type router struct {
	mux    *http.ServeMux
	answer func(func(http.ResponseWriter, *http.Request) error) http.Handler // also the errors
}

func (r router) handle(pattern string, h func(http.ResponseWriter, *http.Request) error) {
	r.mux.Handle(pattern, r.answer(h))
}

func reply(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(v)
}

// refuse answers err. Conflicts that the client can do something about are
// returned, to be answered as problems. The rest is nothing but a line of text.
func refuse(w http.ResponseWriter, err error) error {
	var title *titleError
	var bad *requestError
	switch {
	case errors.As(err, &title):
		p := problem.Duplicate("Another document has this title; choose another title, or change that document.")
		p.Extensions = map[string]any{"conflicting": "/documents/" + title.holder}
		return p
	case errors.Is(err, errNoFolder):
		return problem.Dependency("There is no such folder; create it first, or leave the document outside.")
	case errors.Is(err, errFolderInUse):
		return problem.Dependency("There are documents in this folder; move or delete them first.")
	case errors.Is(err, errTaken):
		return problem.StateConflict("This slot is taken; choose another one.")
	case errors.As(err, &bad):
		http.Error(w, bad.text, bad.status)
	case errors.Is(err, errNotFound):
		http.Error(w, err.Error(), http.StatusNotFound)
	case errors.Is(err, errFull):
		http.Error(w, err.Error(), http.StatusInsufficientStorage)
	default:
		return err
	}
	return nil
}
