package collapse

import (
	"net/http"
	"slices"
)

// shareable reports whether an answer may go to others than the one that asked,
// as far as that does not depend on who they are.
func shareable(status int, fields http.Header) bool {
	switch status {
	case http.StatusSwitchingProtocols, http.StatusPartialContent, http.StatusNotModified:
		return false // nobody asked for it but the leader, if that
	}
	if fields["Set-Cookie"] != nil || fields["Trailer"] != nil {
		return false
	}
	if control := fields["Cache-Control"]; control != nil && hasDirective(control, "private", "no-store") {
		return false
	}
	if vary := fields["Vary"]; vary != nil {
		for name := range elements(vary) {
			if name == "*" {
				return false
			}
		}
	}
	return true
}

// varies returns the neutral fields of the leader's request that the answer
// depends on. On all others the requests agree.
func (r *run) varies(vary []string) (varies []field) {
	for name := range elements(vary) {
		name = http.CanonicalHeaderKey(name)
		if c := r.layer.names.class(name); c != free && c != condition && c != connection {
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
