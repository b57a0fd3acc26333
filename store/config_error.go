package store

import "fmt"

// ConfigError is one mistake in the configuration of any part of Concord.
// Constructors look at every field before they give up and return all mistakes
// at once, joined with [errors.Join]; errors.As finds the first of them. It
// stands in this package because every other one may import it.
//
// The zero value means nothing. A ConfigError is not changed once returned, so
// it is safe for concurrent use.
type ConfigError struct {
	Field  string // the field as the caller wrote it, "Lease" or "ETag.MaxBody"
	Value  any    // what it held; never a secret, which is left nil
	Reason string // what is wrong with it and what would be right: "must be positive"
}

// Error names field, value and reason.
func (e *ConfigError) Error() string {
	if e.Value == nil {
		return fmt.Sprintf("config: %s: %s", e.Field, e.Reason)
	}
	return fmt.Sprintf("config: %s is %v: %s", e.Field, e.Value, e.Reason)
}
