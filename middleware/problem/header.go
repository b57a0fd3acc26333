package problem

import (
	"net/http"
	"slices"
	"strings"
)

// WriteHeader begins the answer to p, for handlers that write a body of their
// own: set Content-Type, and Content-Language if you know it, then call
// WriteHeader, then write the body.
//
// Fields that the handler had set for the answer that it meant to give are
// cleared: an ETag, a length, an encoding or a lifetime that belongs to another
// body. Cookies, Vary, CORS and security fields stay. Then come Cache-Control:
// no-store, X-Content-Type-Options: nosniff, a Link to the type's description,
// and p.Header, and the status is sent. None of them is sent a second time for
// being in the handler's map in another case.
//
// A second call, or a call after the answer has begun, is as useless as that of
// [http.ResponseWriter].
func (p *Problem) WriteHeader(w http.ResponseWriter) {
	c := Renderer{}.complete(p)
	c.writeHeader(w)
}

// writeHeader is WriteHeader for a problem that is complete.
func (p *Problem) writeHeader(w http.ResponseWriter) {
	h := w.Header()
	clearAnswer(h)
	p.clearSpellings(h)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if p.Type != blankType && isURIReference(p.Type) {
		h.Set("Link", "<"+p.Type+`>; rel="describedby"; type="text/html"`)
	}
	if p.Retryable {
		h.Set("Retry-After", defaultRetryAfter)
	}
	for name, values := range p.Header {
		addField(h, http.CanonicalHeaderKey(name), values)
	}
	w.WriteHeader(p.Status)
}

// clearAnswer removes what describes the answer that the handler meant to give.
// Keys are made canonical before they are judged, since net/http sends keys
// that were put into the map directly in whatever case they have.
func clearAnswer(h http.Header) {
	for name := range h {
		if describesAnswer(http.CanonicalHeaderKey(name)) {
			delete(h, name)
		}
	}
}

// clearSpellings removes the fields that the problem sets where they were put
// into the map in another case, as net/http would send both. Fields that are
// added to stay: theirs are lists, and every line counts. So do those of a
// Content-Security-Policy, of which every one is enforced.
func (p *Problem) clearSpellings(h http.Header) {
	for name := range h {
		if canonical := http.CanonicalHeaderKey(name); canonical != name && p.sets(h, canonical) {
			delete(h, name)
		}
	}
}

// sets reports whether a field of that canonical name is, on the answer with
// the fields h, the problem's or that of whoever writes the body.
func (p *Problem) sets(h http.Header, name string) bool {
	switch name {
	case "X-Content-Type-Options":
		return true
	case "Content-Type", "Content-Language", "Stripe-Should-Retry":
		_, set := h[name]
		return set
	}
	if isRefused(name) || isAddedTo(name) {
		return false
	}
	return p.has(name)
}

// describesAnswer reports whether a field is a statement about one answer, and
// would be false of another. Content-Type and Content-Language are left to
// whoever writes the body.
func describesAnswer(name string) bool {
	switch name {
	case "Content-Encoding", "Content-Length", "Content-Range", "Accept-Ranges",
		"Content-Disposition", "Content-Location": // the form of the other body
		return true
	case "Etag", "Last-Modified": // its validators
		return true
	case "Content-Digest", "Repr-Digest", "Unencoded-Digest", "Digest", "Content-Md5",
		"Signature", "Signature-Input": // its checksums
		return true
	case "Cache-Control", "Expires", "Age", "Pragma", "Surrogate-Control": // its lifetime, below too
		return true
	case "Location", "Refresh", "Retry-After", "Link", "Preference-Applied": // what to do next
		return true
	case "Trailer", "Transfer-Encoding": // its framing, below too
		return true
	}
	// RFC 9213: caches of one operator prefer their own field to Cache-Control,
	// and would go on to keep the problem for everybody.
	return strings.HasSuffix(name, "Cdn-Cache-Control") || strings.HasPrefix(name, http.TrailerPrefix)
}

// addField puts a field of Problem.Header on the answer. Values are copied, as
// a wrapper around the writer may change what it finds there.
func addField(h http.Header, name string, values []string) {
	switch {
	case isRefused(name):
	case isAddedTo(name):
		h[name] = append(h[name], values...)
	default:
		h[name] = slices.Clone(values)
	}
}

// isRefused reports whether a field of Problem.Header is left out.
func isRefused(name string) bool {
	switch name {
	case "Content-Type", "Content-Language", "Content-Length", "Content-Encoding", "Content-Range":
		return true // they would be false of the body that is about to be written
	case "Transfer-Encoding", "Trailer", "Connection", "Keep-Alive", "Proxy-Connection", "Upgrade", "Te", "Date":
		return true // the server's own
	case "Cache-Control", "Surrogate-Control", "X-Content-Type-Options":
		return true // promised of every problem
	}
	// What is no name could only be one of net/http's own, http.TrailerPrefix.
	return strings.HasSuffix(name, "Cdn-Cache-Control") || !isToken(name)
}

// isAddedTo reports whether a field of Problem.Header comes beside those that
// are on the answer already.
func isAddedTo(name string) bool {
	switch name {
	case "Link", "Vary", "Set-Cookie", "Www-Authenticate":
		return true
	}
	return false
}

// addVary names a request field in Vary (RFC 9110 section 12.5.5), once.
func addVary(h http.Header, field string) {
	for _, line := range h["Vary"] {
		for name := range strings.SplitSeq(line, ",") {
			name = strings.Trim(name, " \t")
			if name == "*" || strings.EqualFold(name, field) {
				return
			}
		}
	}
	h.Add("Vary", field)
}

// isURIReference reports whether s can stand between < and > in a Link field
// (RFC 3986 section 2, RFC 8288 section 3.1): no blanks, no controls, nothing
// that ends the reference early.
func isURIReference(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("<>\"\\^`{|}", c) >= 0 {
			return false
		}
	}
	return s != ""
}
