package etag

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

// maxPrefer is how long a Prefer field may be, in bytes, all lines together. A
// longer one prefers nothing.
const maxPrefer = 1 << 10

// maxCurrent is how long a representation in a problem may be, in bytes. Written as
// a string it may be six times as long, and the whole is to be short enough for
// [problem.Parse].
const maxCurrent = problem.MaxParse / 8

// addCurrent gives a client that asked for it what it has to merge its change
// with, so that it need not send another request (RFC 7240 section 4.2).
func (wr *write) addCurrent(p *problem.Problem, found finding) {
	if !found.state.Exists || !prefersRepresentation(wr.r.Header) {
		return
	}
	answer := found.answer
	if answer == nil {
		if unaskable(wr.r) != nil {
			return
		}
		var refused *problem.Problem
		if answer, refused = wr.ask(question(wr.r)); refused != nil {
			return
		}
		defer answer.Finish()
	}
	if current, ok := representationIn(answer); ok {
		p.Extensions["current"] = current
		p.Header.Set("Preference-Applied", "return=representation")
	}
}

// representationIn returns the body of an answer as a member of a problem:
// JSON as it is, text as a string. Anything else does not fit into one, and nothing
// that is longer than maxCurrent.
func representationIn(answer *middleware.Recorder) (any, bool) {
	fields := answer.Fields()
	if !answer.Buffered() || !isRepresentation(answer.Status()) || fields["Content-Encoding"] != nil {
		return nil, false
	}
	body := answer.Bytes()
	if len(body) > maxCurrent {
		return nil, false
	}
	contentType, _, _ := strings.Cut(fields.Get("Content-Type"), ";")
	contentType = strings.ToLower(strings.TrimSpace(contentType))
	switch {
	case contentType == "application/json" || strings.HasSuffix(contentType, "+json"):
		return json.RawMessage(bytes.Clone(body)), json.Valid(body)
	case strings.HasPrefix(contentType, "text/"):
		return string(body), utf8.Valid(body)
	}
	return nil, false
}

// prefersRepresentation reads Prefer: return=representation. The first of
// several values of one preference counts (RFC 7240 section 2).
func prefersRepresentation(h http.Header) bool {
	lines := h["Prefer"]
	if !middleware.Shorter(lines, maxPrefer) {
		return false
	}
	for _, line := range lines {
		for preference := range strings.SplitSeq(line, ",") {
			preference, _, _ = strings.Cut(preference, ";")
			name, value, _ := strings.Cut(preference, "=")
			if strings.EqualFold(strings.TrimSpace(name), "return") {
				return strings.Trim(value, " \t\"") == "representation"
			}
		}
	}
	return false
}
