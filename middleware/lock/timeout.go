package lock

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/concordhttp/concord/middleware"
)

const (
	fieldTimeout = "Timeout"
	seconds      = "Second-"
	infinite     = "Infinite"

	// maxTimeoutField is how much of a Timeout field is read, in bytes.
	maxTimeoutField = 256
	// maxTimeout is the longest that RFC 4918 section 10.7 lets anybody ask for.
	maxTimeout = math.MaxUint32 * time.Second
	// minTTL is the shortest lock that is granted, and the grain of Timeout.
	minTTL = time.Second
)

// terms are for how long locks are granted.
type terms struct{ standard, longest time.Duration }

// timeoutOf reads the Timeout field of a LOCK (RFC 4918 section 10.7), in which
// a client lists what it wants, the best first. It gets the first that can be
// granted as it is; if none can, the longest there is; and if it asks for
// nothing, the default. A reason says what is wrong with the field.
func (t terms) timeoutOf(h http.Header) (ttl time.Duration, reason string) {
	lines := h[fieldTimeout]
	if len(lines) == 0 {
		return t.standard, ""
	}
	if !middleware.Shorter(lines, maxTimeoutField) {
		return 0, "it is longer than " + strconv.Itoa(maxTimeoutField) + " bytes"
	}
	wishes := 0
	for _, line := range lines {
		for wish := range strings.SplitSeq(line, ",") {
			wish = strings.Trim(wish, " \t")
			if wish == "" {
				continue // RFC 9110 section 5.6.1.2
			}
			asked, ok := parseTimeout(wish)
			if !ok {
				return 0, "it is neither Infinite nor Second- and a number of at most 4294967295"
			}
			wishes++
			if ttl == 0 && asked <= t.longest {
				ttl = max(asked, minTTL)
			}
		}
	}
	switch {
	case wishes == 0:
		return 0, "it is empty"
	case ttl == 0:
		return t.longest, ""
	}
	return ttl, ""
}

// parseTimeout reads one TimeType. Infinite is longer than anything.
func parseTimeout(s string) (time.Duration, bool) {
	if strings.EqualFold(s, infinite) {
		return math.MaxInt64, true
	}
	if len(s) <= len(seconds) || !strings.EqualFold(s[:len(seconds)], seconds) {
		return 0, false
	}
	n, err := strconv.ParseUint(s[len(seconds):], 10, 32)
	return time.Duration(n) * time.Second, err == nil
}

// grant is what a caller of the Go API gets that asks for ttl.
func (t terms) grant(ttl time.Duration) time.Duration {
	if ttl == 0 {
		return t.standard
	}
	return min(max(ttl, minTTL), t.longest)
}
