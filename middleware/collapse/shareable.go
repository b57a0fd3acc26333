package collapse

import (
	"net/http"
	"slices"
	"strings"
)

// shareable reports whether an answer may go to others than the one that asked,
// as far as that does not depend on who they are.
func shareable(status int, fields http.Header) bool {
	switch status {
	case http.StatusSwitchingProtocols, http.StatusPartialContent, http.StatusNotModified:
		return false // nobody asked for it but the leader, if that
	}
	if isPlain(fields) {
		return true
	}
	for name, lines := range fields {
		if forbids(name, lines) {
			return false
		}
	}
	return true
}

// isPlain reports whether there are no fields but those that a server would add.
// It takes a third of the time that it takes to look at each.
func isPlain(fields http.Header) bool {
	n := len(fields)
	if n > 0 && n <= 2 && fields["Content-Type"] != nil {
		n--
	}
	return n == 0 || n == 1 && fields["Content-Length"] != nil
}

// forbids reports whether a field keeps an answer from being shared. The server
// sends a field under whatever name the handler gave it, and for who receives it
// case makes no difference (RFC 9110 section 5.1).
func forbids(name string, lines []string) bool {
	switch len(name) {
	case len("Set-Cookie"):
		return strings.EqualFold(name, "Set-Cookie")
	case len("Trailer"):
		return strings.EqualFold(name, "Trailer")
	case len("Cache-Control"):
		return strings.EqualFold(name, "Cache-Control") && hasDirective(lines, "private", "no-store")
	case len("Vary"):
		if !strings.EqualFold(name, "Vary") {
			return false
		}
		for field := range elements(lines) {
			if field == "*" {
				return true
			}
		}
	}
	return false
}

// varyIn returns the lines of Vary, whatever the case of the names that they have.
func varyIn(fields http.Header) []string {
	vary := fields["Vary"]
	for name, lines := range fields {
		if len(name) == len("Vary") && name != "Vary" && strings.EqualFold(name, "Vary") {
			vary = append(vary[:len(vary):len(vary)], lines...)
		}
	}
	return vary
}

// varies returns the neutral fields of the leader's request that the answer
// depends on. On all others the requests agree.
func (r *run) varies(vary []string) (varies []field) {
	for name := range elements(vary) {
		name = http.CanonicalHeaderKey(name)
		if !r.handler.layer.names.class(name).isNeutral() {
			continue
		}
		f := field{name: name}
		for _, l := range r.key.free {
			if l.name == name {
				f.lines = append(f.lines, l.value)
			}
		}
		varies = append(varies, f)
	}
	return varies
}

// fits reports whether the answer is also that of a request with these fields.
func (a *answer) fits(fields http.Header) bool {
	for _, f := range a.varies {
		if !slices.Equal(fields[f.name], f.lines) {
			return false
		}
	}
	return true
}
