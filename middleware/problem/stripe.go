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

// stripeMember returns the member "error" of a complete problem.
func stripeMember(p *Problem) extension {
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
