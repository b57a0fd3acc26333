package retry

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// After reads Retry-After (RFC 9110 section 10.2.3): the time to wait from now,
// never negative. False: there is none that can be read, and the client waits as
// it sees fit. Of several lines the first counts.
//
// A date is compared with the Date of the same answer, as the clock of the client
// may be hours off; now is what counts if there is none. Seconds are digits and
// nothing else. So many that no duration holds them give the longest one.
func After(h http.Header, now time.Time) (time.Duration, bool) {
	value := strings.Trim(h.Get("Retry-After"), " \t")
	if isDigits(value) {
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil || seconds > math.MaxInt64/int64(time.Second) {
			return math.MaxInt64, true
		}
		return time.Duration(seconds) * time.Second, true
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	if sent, err := http.ParseTime(h.Get("Date")); err == nil {
		now = sent
	}
	return max(until.Sub(now), 0), true
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
