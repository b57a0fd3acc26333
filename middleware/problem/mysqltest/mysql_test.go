// Package mysqltest stands for a package of an application that has a
// database's name in its path, and errors in the shape of its driver's.
package mysqltest

import (
	"testing"

	"github.com/concordhttp/concord/middleware/problem"
)

// vendorError has numbers with meanings of its own.
type vendorError struct {
	Number  uint16
	Message string
}

func (vendorError) Error() string { return "Duplicate entry 'x' for key 'users.email'" }

func TestErrorsOfAnApplicationAreNotMySQLs(t *testing.T) {
	if p, ok := problem.FromSQL(&vendorError{Number: 1062}); ok {
		t.Errorf("taken for %s", p.Kind)
	}
}
