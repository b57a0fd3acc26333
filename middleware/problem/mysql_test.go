package problem_test

import (
	"fmt"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware/problem"
)

// asMySQL has the errors of this package read as those of the driver of MySQL.
func asMySQL(t *testing.T) {
	t.Helper()
	problem.ReadAs(t, reflect.TypeFor[mysqlError]().PkgPath(), "github.com/go-sql-driver/mysql")
}

type mysqlError struct {
	Number  uint16
	Message string
}

func (e *mysqlError) Error() string { return fmt.Sprintf("Error %d: %s", e.Number, e.Message) }

func TestNumbersOfMySQLBecomeProblems(t *testing.T) {
	asMySQL(t)
	for number, want := range map[uint16]problem.Kind{
		1062: problem.KindDuplicate, 1586: problem.KindDuplicate,
		1451: problem.KindDependency, 1452: problem.KindDependency, 1216: problem.KindDependency, 1217: problem.KindDependency,
		3819: problem.KindStateConflict, 4025: problem.KindStateConflict,
		1213: problem.KindWriteConflict, 1205: problem.KindWriteConflict, 1020: problem.KindWriteConflict, 3572: problem.KindWriteConflict,
		0: "", 1045: "", 1048: "", 1064: "", 65535: "",
	} {
		p, ok := problem.FromSQL(fmt.Errorf("saving: %w", &mysqlError{Number: number}))
		assert.Equal(t, want != "", ok, number)
		if ok {
			assert.Equal(t, want, p.Kind, number)
		}
	}
}

func TestConstraintsOfMySQL(t *testing.T) {
	asMySQL(t)
	for message, c := range map[string]struct {
		number uint16
		name   string
	}{
		"Duplicate entry 'ada@example.com' for key 'users.email'":                                                                   {1062, "users.email"},
		"Duplicate entry 'x' for key 'forged' y' for key 'users.email'":                                                             {1062, "users.email"},
		"Cannot delete or update a parent row: a foreign key constraint fails (`d`.`t`, CONSTRAINT `t_fk` FOREIGN KEY (`a`) REFER…": {1451, "t_fk"},
		"Check constraint 'stock_positive' is violated.":                                                                            {3819, "stock_positive"},
		"CONSTRAINT `stock_positive` failed for `d`.`t`":                                                                            {4025, "stock_positive"},
		"Duplicate entry 'a long value that was cut o":                                                                              {1062, ""},
		"Doppelter Eintrag 'x' für Schlüssel 'users.email'":                                                                         {1062, ""},
	} {
		p, ok := problem.FromSQL(&mysqlError{c.number, message})
		require.True(t, ok)
		w := httptest.NewRecorder()
		problem.Renderer{ShowConstraints: true}.JSON(w, httptest.NewRequest("PUT", "/", nil), p)
		if c.name == "" {
			assert.NotContains(t, w.Body.String(), "conflicting", message)
			continue
		}
		assert.Contains(t, w.Body.String(), `:"`+c.name+`"`, message)
	}
}

type wideNumberError struct{ Number uint32 }

func (wideNumberError) Error() string { return "" }

type namedNumberError uint16

func (namedNumberError) Error() string { return "" }

func TestOddShapesOfMySQLAreNoProblem(t *testing.T) {
	asMySQL(t)
	for _, err := range []error{(*mysqlError)(nil), wideNumberError{1062}, namedNumberError(1062)} {
		_, ok := problem.FromSQL(err)
		assert.False(t, ok, "%T", err)
	}
}
