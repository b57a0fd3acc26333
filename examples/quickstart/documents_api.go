package main

import "net/http"

const (
	maxID   = 64 // bytes of the longest id that a client may choose
	maxName = 64 // bytes of the longest name that is kept as an author's
)

// documentsAPI is the HTTP face of Documents.
type documentsAPI struct{ documents *Documents }

func (a documentsAPI) routes(r router) {
	r.handle("GET /documents", a.list)
	r.handle("POST /documents", a.create)
	r.handle("GET /documents/{id}", a.read)
	r.handle("PUT /documents/{id}", a.put)
	r.handle("PATCH /documents/{id}", a.patch)
	r.handle("DELETE /documents/{id}", a.delete)
}

func (a documentsAPI) list(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, http.StatusOK, a.documents.List())
}

func (a documentsAPI) create(w http.ResponseWriter, r *http.Request) error {
	doc, err := readDocument(w, r)
	if err != nil {
		return refuse(w, err)
	}
	doc.ChangedBy = author(r)
	id, err := a.documents.Create(doc)
	if err != nil {
		return refuse(w, err)
	}
	w.Header().Set("Location", "/documents/"+id)
	return reply(w, http.StatusCreated, doc)
}

// read fails if it is asked to, and is never slow: what ?slow slows down is the
// write, not the question for the version before it.
func (a documentsAPI) read(w http.ResponseWriter, r *http.Request) error {
	fault, err := readFault(r)
	if err != nil {
		return refuse(w, err)
	}
	doc, err := a.documents.Get(r.PathValue("id"))
	if err != nil {
		return refuse(w, err)
	}
	if err := fault.strike(); err != nil {
		return err
	}
	return reply(w, http.StatusOK, doc)
}

func (a documentsAPI) put(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if len(id) > maxID {
		return refuse(w, &requestError{http.StatusBadRequest, "the id is too long"})
	}
	doc, err := readDocument(w, r)
	if err != nil {
		return refuse(w, err)
	}
	fault, err := readFault(r)
	if err != nil {
		return refuse(w, err)
	}
	if !fault.wait(r.Context()) {
		return tooSlow(w, "it took too long, and nothing was written")
	}
	doc.ChangedBy = author(r)
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

func (a documentsAPI) patch(w http.ResponseWriter, r *http.Request) error {
	patch, err := readJSON(w, r, "application/merge-patch+json", "application/json")
	if err != nil {
		return refuse(w, err)
	}
	doc, err := a.documents.Change(r.PathValue("id"), func(doc Document) (Document, error) {
		changed, err := mergePatch(doc, patch)
		changed.ChangedBy = author(r)
		return changed, err
	})
	if err != nil {
		return refuse(w, err)
	}
	return reply(w, http.StatusOK, doc)
}

func (a documentsAPI) delete(w http.ResponseWriter, r *http.Request) error {
	if err := a.documents.Delete(r.PathValue("id")); err != nil {
		return refuse(w, err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// author is who changes a document, to be shown to whom that is in the way of.
// It is nobody where the request names nobody, or too long a name to keep.
func author(r *http.Request) string {
	name, err := caller(r)
	if err != nil || len(name) > maxName {
		return ""
	}
	return name
}
