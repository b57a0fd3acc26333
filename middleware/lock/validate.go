package lock

import (
	"errors"
	"net/http"

	"github.com/concordhttp/concord/store"
)

// validate reports every mistake at once, so that a server is fixed in one go.
// What concerns the gate is left to it.
func (c Config) validate() error {
	var mistakes []error
	wrong := func(field string, value any, reason string) {
		mistakes = append(mistakes, &store.ConfigError{Field: "lock.Config." + field, Value: value, Reason: reason})
	}
	if c.Principal == nil {
		wrong("Principal", nil, "is required: without it a token that leaked would be enough to write under a lock")
	}
	if c.MaxTTL != 0 && (c.MaxTTL < minTTL || c.MaxTTL > maxTimeout) {
		wrong("MaxTTL", c.MaxTTL, "must be a second to 4294967295 seconds")
	}
	switch longest := c.complete().MaxTTL; {
	case c.TTL != 0 && c.TTL < minTTL:
		wrong("TTL", c.TTL, "must be at least a second")
	case c.TTL > longest:
		wrong("TTL", c.TTL, "must be at most MaxTTL, "+longest.String())
	}
	switch c.Status {
	case 0, http.StatusConflict, http.StatusLocked:
	default:
		wrong("Status", c.Status, "must be 409 or 423")
	}
	if c.MaxBody < 0 {
		wrong("MaxBody", c.MaxBody, "must not be negative")
	}
	return errors.Join(mistakes...)
}

// fieldOf is what a field of a gate's configuration is called here.
func fieldOf(gate string) string {
	switch gate {
	case "Lease", "Wait":
		gate = "Gate" + gate
	}
	return "lock.Config." + gate
}
