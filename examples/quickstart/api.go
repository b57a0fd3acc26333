package main

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/concordhttp/concord/middleware/problem"
)

// maxID is the longest id that a client may choose, in bytes.
const maxID = 64

// api is the HTTP face of Documents. Nothing in it sets an ETag or looks at a
// precondition: it would read the same without Concord, but for the answer to a
// title in use, which it returns as an error.
type api struct{ documents *Documents }

// routes adds the API to mux.
func (a api) routes(mux *http.ServeMux) {
	handle(mux, "GET /documents", a.list)
	handle(mux, "POST /documents", a.create)
	handle(mux, "GET /documents/{id}", a.read)
	handle(mux, "PUT /documents/{id}", a.put)
	handle(mux, "PATCH /documents/{id}", a.patch)
	handle(mux, "DELETE /documents/{id}", a.delete)
}

// handle adds to mux a handler that may return an error.
func handle(mux *http.ServeMux, pattern string, h func(http.ResponseWriter, *http.Request) error) {
	mux.Handle(pattern, problem.Responder(problem.JSON).HandlerFunc(h))
}

func (a api) list(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, http.StatusOK, a.documents.List())
}

func (a api) create(w http.ResponseWriter, r *http.Request) error {
	doc, err := readDocument(w, r)
	if err != nil {
		return refuse(w, err)
	}
	id, err := a.documents.Create(doc)
	if err != nil {
		return refuse(w, err)
	}
	w.Header().Set("Location", "/documents/"+id)
	return reply(w, http.StatusCreated, doc)
}

func (a api) read(w http.ResponseWriter, r *http.Request) error {
	doc, err := a.documents.Get(r.PathValue("id"))
	if err != nil {
		return refuse(w, err)
	}
	return reply(w, http.StatusOK, doc)
}

func (a api) put(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if len(id) > maxID {
		return refuse(w, &requestError{http.StatusBadRequest, "the id is too long"})
	}
	doc, err := readDocument(w, r)
	if err != nil {
		return refuse(w, err)
	}
	created, err := a.documents.Put(id, doc)
	switch {
	case err != nil:
		return refuse(w, err)
	case created:
		w.Header().Set("Location", "/documents/"+id)
		return reply(w, http.StatusCreated, doc)
	}
	return reply(w, http.StatusOK, doc)
}

func (a api) patch(w http.ResponseWriter, r *http.Request) error {
	patch, err := readJSON(w, r, "application/merge-patch+json", "application/json")
	if err != nil {
		return refuse(w, err)
	}
	doc, err := a.documents.Change(r.PathValue("id"), func(doc Document) (Document, error) {
		return mergePatch(doc, patch)
	})
	if err != nil {
		return refuse(w, err)
	}
	return reply(w, http.StatusOK, doc)
}

func (a api) delete(w http.ResponseWriter, r *http.Request) error {
	if err := a.documents.Delete(r.PathValue("id")); err != nil {
		return refuse(w, err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func reply(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(v)
}

// refuse answers err. A title in use is a conflict between two documents, and
// the client can tell which: it is returned, to be answered as a problem. The
// rest is nothing but a line of text.
func refuse(w http.ResponseWriter, err error) error {
	var title *titleError
	var bad *requestError
	switch {
	case errors.As(err, &title):
		p := problem.Duplicate("Another document has this title; choose another title, or change that document.")
		p.Extensions = map[string]any{"conflicting": "/documents/" + title.holder}
		return p
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
