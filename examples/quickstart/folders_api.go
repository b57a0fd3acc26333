package main

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// foldersAPI is the HTTP face of the folders that Documents keeps.
type foldersAPI struct{ documents *Documents }

func (a foldersAPI) routes(r router) {
	r.handle("POST /folders", a.create)
	r.handle("DELETE /folders/{id}", a.delete)
}

func (a foldersAPI) create(w http.ResponseWriter, r *http.Request) error {
	in, err := readJSON(w, r, "application/json")
	if err != nil {
		return refuse(w, err)
	}
	var f *Folder // null leaves it nil
	if err := json.Unmarshal(in, &f); err != nil || f == nil || f.Name == "" || len(f.Name) > maxTitle {
		text := fmt.Sprintf("a folder wants a name, of at most %d bytes", maxTitle)
		return refuse(w, &requestError{http.StatusUnprocessableEntity, text})
	}
	id, err := a.documents.CreateFolder(*f)
	if err != nil {
		return refuse(w, err)
	}
	w.Header().Set("Location", "/folders/"+id)
	return reply(w, http.StatusCreated, f)
}

func (a foldersAPI) delete(w http.ResponseWriter, r *http.Request) error {
	if err := a.documents.DeleteFolder(r.PathValue("id")); err != nil {
		return refuse(w, err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
