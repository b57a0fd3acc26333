package problem

import (
	"encoding/json"
	"net/http"
	"strings"
)

// stripeError is the object that Stripe's client libraries take for the error.
// A body without it is an unknown failure to them: stripe-go then repeats a 422
// until it has used up its attempts, and stripe-node reports success.
type stripeError struct {
	Type    string `json:"type"`
	Code    string `json:"code"`
	Message string `json:"message"`
	DocURL  string `json:"doc_url,omitempty"`
}

// stripeType sorts problems into the classes for which the libraries have
// exceptions of their own.
func stripeType(p *Problem) string {
	switch {
	case strings.HasPrefix(string(p.Kind), "key-"):
		return "idempotency_error"
	case p.Status >= http.StatusInternalServerError:
		return "api_error"
	}
	return "invalid_request_error"
}

// takesErrorForFinal reports whether a request comes from a client library that
// never repeats what it was answered with the member "error", whatever
// Stripe-Should-Retry says: stripe-go does not look at that field by then. What
// it is answered without the member it repeats.
func takesErrorForFinal(r *http.Request) bool {
	return r != nil && strings.Contains(r.UserAgent(), "GoBindings/")
}

// stripeMember returns the member "error" of a complete problem that answers r.
// It is null, rather than left out, where it would stop a client that should go
// on: so the name stays taken, and no extension can take its place.
func stripeMember(r *http.Request, p *Problem) extension {
	if p.Retryable && takesErrorForFinal(r) {
		return extension{"error", []byte("null")}
	}
	e := stripeError{Type: stripeType(p), Code: string(p.Kind), Message: p.Detail}
	if e.Message == "" {
		e.Message = p.Title
	}
	if isWebLink(p.Type) {
		e.DocURL = p.Type
	}
	value, _ := json.Marshal(e) // a struct of strings always marshals
	return extension{"error", value}
}
