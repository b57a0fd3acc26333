package etag

import (
	"errors"
	"net/http"

	"github.com/concordhttp/concord/store"
)

// validate reports every mistake at once, so that a server is fixed in one go.
func (c Config) validate() error {
	var mistakes []error
	wrong := func(field string, value any, reason string) {
		mistakes = append(mistakes, &store.ConfigError{Field: "etag.Config." + field, Value: value, Reason: reason})
	}
	if c.Weak && c.Require != nil {
		wrong("Weak", c.Weak, "a weak tag never satisfies the If-Match that Require asks for: every write would be refused")
	}
	switch c.StaleStatus {
	case 0, http.StatusPreconditionFailed, http.StatusConflict:
	default:
		wrong("StaleStatus", c.StaleStatus, "must be 412 or 409")
	}
	if c.Gate > GateNone {
		wrong("Gate", c.Gate, "is none of GateAll, GateConditional and GateNone")
	}
	if c.MaxBody < 0 {
		wrong("MaxBody", c.MaxBody, "must not be negative")
	}
	return errors.Join(mistakes...)
}

// fieldOf is what a field of a gate's configuration is called here.
func fieldOf(gate string) string {
	if gate == "Lease" || gate == "Wait" {
		gate = "Gate" + gate
	}
	return "etag.Config." + gate
}
