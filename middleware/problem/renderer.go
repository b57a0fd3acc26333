package problem

import (
	"net/http"
	"strconv"
)

// Renderer decides how problems look. The zero value is what the functions
// [JSON], [Negotiate] and [Stripe] use.
type Renderer struct {
	// TypeBase is what type URIs begin with; the kind follows. Empty:
	// [DefaultTypeBase]. A server that mounts [Docs] at /problems sets
	// "/problems#".
	TypeBase string
	// ShowConstraints adds the name of the constraint of the database that a
	// request ran into: as the member "conflicting" of a duplicate, and as
	// "constraint" of others. Such names tell clients about the schema.
	ShowConstraints bool
}

// JSON answers with application/problem+json: the standard members first, in
// the order of RFC 9457, then "retryable", then the extensions by name. An
// answer to HEAD has no body.
func JSON(w http.ResponseWriter, r *http.Request, p *Problem) { Renderer{}.JSON(w, r, p) }

// Negotiate answers with JSON, a page of HTML or plain text, whichever the
// request's Accept field prefers (RFC 9110 section 12.5.1), and says so in
// Vary. JSON is the answer when nothing else is preferred, also if Accept
// names nothing that can be had, is malformed, or longer than 4 KiB.
func Negotiate(w http.ResponseWriter, r *http.Request, p *Problem) { Renderer{}.Negotiate(w, r, p) }

// Stripe answers as [JSON] does, with a further member "error" in the form that
// Stripe's client libraries read, and with the field Stripe-Should-Retry, which
// tells them whether to send the request again.
//
// stripe-node follows that field. stripe-go (83 to 85) does not look at it once it
// has found the member "error": it then gives the problem to its caller at once,
// as a *stripe.Error. Without the member it repeats the request, and in the end
// returns an error whose text is the problem. So requests of stripe-go, which is
// known by its User-Agent, get null for the member of what is retryable. For
// other clients it is always there: without it, stripe-node would in the end take
// a refusal for a success.
func Stripe(w http.ResponseWriter, r *http.Request, p *Problem) { Renderer{}.Stripe(w, r, p) }

// JSON is like the function [JSON], with the settings of o.
func (o Renderer) JSON(w http.ResponseWriter, r *http.Request, p *Problem) {
	c := o.complete(p)
	o.send(w, r, &c, jsonType, o.appendJSON(make([]byte, 0, typicalJSON), &c))
}

// Negotiate is like the function [Negotiate], with the settings of o.
func (o Renderer) Negotiate(w http.ResponseWriter, r *http.Request, p *Problem) {
	c := o.complete(p)
	h := w.Header()
	addVary(h, "Accept")
	var accept []string
	if r != nil {
		accept = r.Header["Accept"]
	}
	switch preferred(accept) {
	case formHTML:
		if h.Get("Content-Security-Policy") == "" {
			h.Set("Content-Security-Policy", pagePolicy)
		}
		o.send(w, r, &c, "text/html; charset=utf-8", o.html(&c))
	case formText:
		o.send(w, r, &c, "text/plain; charset=utf-8", o.text(&c))
	default:
		o.send(w, r, &c, jsonType, o.appendJSON(make([]byte, 0, typicalJSON), &c))
	}
}

// Stripe is like the function [Stripe], with the settings of o.
func (o Renderer) Stripe(w http.ResponseWriter, r *http.Request, p *Problem) {
	c := o.complete(p)
	w.Header().Set("Stripe-Should-Retry", strconv.FormatBool(c.Retryable))
	o.send(w, r, &c, jsonType, o.appendJSON(make([]byte, 0, typicalJSON), &c, stripeMember(r, &c)))
}

// send writes a complete problem and its body, which is left out for HEAD.
func (o Renderer) send(w http.ResponseWriter, r *http.Request, p *Problem, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Language", "en")
	p.writeHeader(w)
	if r != nil && r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(body) // the client is gone; there is nobody left to tell
}
