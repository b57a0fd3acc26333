package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
)

const (
	maxBody  = 64 << 10 // bytes of a request's body
	maxTitle = 200      // bytes of a title
)

// A requestError is a request that no state of the documents would make right.
type requestError struct {
	status int
	text   string
}

func (e *requestError) Error() string { return e.text }

// readDocument returns the document in r's body. Its error is a *requestError.
func readDocument(w http.ResponseWriter, r *http.Request) (Document, error) {
	in, err := readJSON(w, r, "application/json")
	if err != nil {
		return Document{}, err
	}
	return parseDocument(in, "the body is no document")
}

// parseDocument returns the document that in, valid JSON, stands for, or a
// *requestError with the text otherwise.
func parseDocument(in []byte, otherwise string) (Document, error) {
	var doc *Document // null leaves it nil
	if err := json.Unmarshal(in, &doc); err != nil || doc == nil {
		return Document{}, &requestError{http.StatusUnprocessableEntity, otherwise}
	}
	if doc.Title == "" || len(doc.Title) > maxTitle {
		text := fmt.Sprintf("a document wants a title, of at most %d bytes", maxTitle)
		return Document{}, &requestError{http.StatusUnprocessableEntity, text}
	}
	return *doc, nil
}

// readJSON returns r's body if it is one JSON value and of one of the media
// types. Its error is a *requestError.
func readJSON(w http.ResponseWriter, r *http.Request, types ...string) ([]byte, error) {
	if t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); !slices.Contains(types, t) {
		return nil, &requestError{http.StatusUnsupportedMediaType, "send Content-Type: " + strings.Join(types, " or ")}
	}
	in, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &requestError{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is too large, the limit is %d bytes", maxBody)}
	case err != nil:
		return nil, &requestError{http.StatusBadRequest, "the body could not be read"}
	case !json.Valid(in):
		return nil, &requestError{http.StatusBadRequest, "the body is not JSON"}
	}
	return in, nil
}
