package collapse

import "net/http"

// What Cache-Status (RFC 9211) says of an answer.
const (
	collapsed    = "concord; fwd=miss; collapsed"
	notCollapsed = "concord; fwd=miss; collapsed=?0"
)

// addStatus adds to what caches further in have said.
func addStatus(fields http.Header, status string) {
	lines := fields["Cache-Status"]
	fields["Cache-Status"] = append(lines[:len(lines):len(lines)], status)
}
