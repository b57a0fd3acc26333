package collapse

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/concordhttp/concord/store"
)

// validate reports every mistake at once, so that a server is fixed in one go.
func (c Config) validate() error {
	var mistakes []error
	wrong := func(field string, value any, reason string) {
		mistakes = append(mistakes, &store.ConfigError{Field: "collapse.Config." + field, Value: value, Reason: reason})
	}
	for _, name := range c.Neutral {
		if reason := c.cannotBeNeutral(name); reason != "" {
			wrong("Neutral", name, reason)
		}
	}
	for _, limit := range []struct {
		field string
		value time.Duration
	}{{"MaxWait", c.MaxWait}, {"MaxRun", c.MaxRun}, {"Uncollapsible", c.Uncollapsible}} {
		if limit.value < 0 {
			wrong(limit.field, limit.value, "must not be negative")
		}
	}
	if c.MaxBody < 0 {
		wrong("MaxBody", c.MaxBody, "must not be negative")
	}
	if c.MaxFollowers < 0 {
		wrong("MaxFollowers", c.MaxFollowers, "must not be negative")
	}
	return errors.Join(mistakes...)
}

// cannotBeNeutral returns what is wrong with a field that a server wants left
// out of the key, or "".
func (c Config) cannotBeNeutral(name string) string {
	if !isToken(name) {
		return "is no field name (RFC 9110 section 5.1)"
	}
	canonical := http.CanonicalHeaderKey(name)
	switch {
	case len(canonical) > maxKnown:
		return "is too long: field names of up to 40 characters can be neutral"
	case looked[canonical] != keyed:
		return "decides whether a request can share an answer at all"
	case c.Principal == nil && (canonical == "Authorization" || canonical == "Proxy-Authorization" || canonical == "Cookie"):
		return "tells callers apart, so it can be neutral only where Principal does so in its place"
	}
	return ""
}

// isToken reports whether s can be the name of a field.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}
