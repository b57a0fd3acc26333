package idempotency

import (
	"net/http"
	"strings"

	"github.com/concordhttp/concord/middleware"
)

// replayable reports whether a field of an answer with these fields may be
// recorded and replayed. What is left out belongs to the one exchange in which
// it was sent: cookies, the connection, its time, challenges and the caller's
// quota. A name can stand in the map in any case: net/http sends it as it is.
func replayable(name string, all http.Header) bool {
	switch name {
	case "Cache-Control", "Content-Length", "Content-Type", "Etag", "Last-Modified", "Location", "Vary":
		// Most answers have these and hardly any others, so that they are told first.
		return len(all["Connection"]) == 0 || !middleware.IsHopByHop(name, all)
	}
	name = http.CanonicalHeaderKey(name)
	switch name {
	case "Set-Cookie", "Set-Cookie2", "Date", "Age",
		"Www-Authenticate", "Proxy-Authenticate", "Authentication-Info", "Proxy-Authentication-Info",
		"Ratelimit", DefaultReplayField:
		return false
	}
	if strings.HasPrefix(name, "Ratelimit-") || strings.HasPrefix(name, "X-Ratelimit-") || strings.HasPrefix(name, "X-Rate-Limit-") ||
		strings.HasPrefix(name, http.TrailerPrefix) {
		return false
	}
	return !middleware.IsHopByHop(name, all)
}
