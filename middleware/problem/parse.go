package problem

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// MaxParse is how many bytes of an answer [Parse] reads.
const MaxParse = 1 << 20

// ErrNotProblem: the answer is no problem detail, but something else.
var ErrNotProblem = errors.New("problem: the answer is not application/problem+json, or not an error")

// Parse reads the problem that a server has answered with: the client side of
// this package. The answer is a problem if its status is 400 to 599 and its
// Content-Type application/problem+json, with or without parameters; of any
// other, Parse returns [ErrNotProblem] and reads nothing.
//
// Whatever it returns, the body of res can be read afterwards as if Parse had not
// been called, and is still the caller's to close. At most [MaxParse] bytes of it
// are held in memory. A body that is longer, breaks off or is no JSON object is an
// error that wraps what is wrong with it.
//
// Members that have another type than RFC 9457 section 3.1 gives them are ignored,
// as it asks for. Where "status" is missing, the status of the answer takes its
// place; where they differ, something on the way has changed that of the answer.
// Kind is the last part of "type", if there is a member "retryable": problems of
// Concord all have it. Of others Type tells, and Kind is empty.
//
// Extensions has all members beyond the standard ones. Strings, booleans and null
// are what they are in Go, numbers are a [json.Number], so that no digit is lost,
// and arrays and objects a [json.RawMessage], to be unmarshalled into whatever the
// caller knows them to be. Header has those fields of the answer that say what to
// do next: Retry-After, ETag, Last-Modified, Location, Link, Allow and
// WWW-Authenticate.
//
// What Parse returns was said to this client, and is not passed on by accident: a
// handler that returns it as an error, wrapped or not, answers 500, since [From]
// passes over it. A server that wants to pass it on says so with a new Problem.
func Parse(res *http.Response) (*Problem, error) {
	if !isErrorStatus(res.StatusCode) || !isProblemType(res.Header.Get("Content-Type")) {
		return nil, ErrNotProblem
	}
	body, err := peek(res, MaxParse)
	if err != nil {
		return nil, fmt.Errorf("problem: the body of a problem cannot be read: %w", err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, fmt.Errorf("problem: the body of a problem is no JSON object: %w", err)
	}
	if members == nil { // "null" unmarshals into a map
		return nil, errors.New("problem: the body of a problem is no JSON object: null")
	}
	p := &Problem{received: true, Status: res.StatusCode, Header: actionable(res.Header)}
	p.fill(members)
	return p, nil
}

// isProblemType reports whether a Content-Type is that of problem details, with
// whatever parameters.
func isProblemType(contentType string) bool {
	mediaType, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.Trim(mediaType, " \t"), jsonType)
}

// actionable are the fields of an answer that tell the client what to do next.
// Others, such as cookies, are about the exchange and not the problem.
func actionable(h http.Header) http.Header {
	var out http.Header
	for _, name := range [...]string{"Retry-After", "Etag", "Last-Modified", "Location", "Link", "Allow", "Www-Authenticate"} {
		if values := h[name]; len(values) > 0 {
			if out == nil {
				out = make(http.Header)
			}
			out[name] = append([]string(nil), values...)
		}
	}
	return out
}
