// Package sqlitetest stands for a package of an application that has a
// database's name in its path, and errors in the shape of its driver's.
package sqlitetest

import (
	"testing"

	"github.com/concordhttp/concord/middleware/problem"
)

// vendorError has codes with meanings of its own: 2067 is a number as any other.
type vendorError struct{}

func (vendorError) Error() string     { return "UNIQUE constraint failed: users.email" }
func (vendorError) Code() int         { return 2067 }
func (vendorError) ExtendedCode() int { return 5 }

func TestErrorsOfAnApplicationAreNotSQLites(t *testing.T) {
	if p, ok := problem.FromSQL(vendorError{}); ok {
		t.Errorf("taken for %s", p.Kind)
	}
}
