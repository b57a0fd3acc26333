package idempotency

import (
	"fmt"

	"github.com/concordhttp/concord/middleware"
)

// Reference returns what events and [Layer.Resolve] call a principal's key. It is
// for an operator to whom a customer has told the key: whatever the log says of
// it can then be found. Principal is what Config.Principal returns for the
// customer, and key the value of the field, quoted or bare.
//
// It asks nobody: that there is a reference does not say that there is a record.
// The reference does not tell the key, but who guesses a key can check the guess
// by it; treat the two alike. An empty principal is
// [middleware.ErrPrincipalUnknown], and a key that no request could have an error
// as well.
func (l *Layer) Reference(principal, key string) (string, error) {
	if principal == "" {
		return "", middleware.ErrPrincipalUnknown
	}
	parsed, err := parseKey([]string{key}, l.config.Strict)
	if err != nil {
		return "", fmt.Errorf("idempotency: %s: %w", l.config.Header, err)
	}
	return reference(l.scope.storageKey(principal, parsed)), nil
}
