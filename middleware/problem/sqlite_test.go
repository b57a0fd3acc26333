package problem_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware/problem"
)

// asSQLite has the errors of this package read as those of a driver of SQLite.
func asSQLite(t *testing.T) {
	t.Helper()
	problem.ReadAs(t, reflect.TypeFor[methodError]().PkgPath(), "modernc.org/sqlite")
}

// methodError is like the error of modernc.org/sqlite.
type methodError struct {
	msg  string
	code int
}

func (e *methodError) Error() string { return e.msg }
func (e *methodError) Code() int     { return e.code }

// fieldError is like the error of mattn/go-sqlite3, which is returned by value.
type fieldError struct {
	Code         primary
	ExtendedCode extended
	err          string
}

type primary int
type extended int

func (e fieldError) Error() string { return e.err }

// twoMethodsError is like the error of ncruces/go-sqlite3, whose methods return
// unsigned types of their own.
type twoMethodsError struct {
	msg  string
	code uint32
}

type shortCode uint8
type longCode uint16

func (e *twoMethodsError) Error() string          { return e.msg }
func (e *twoMethodsError) Code() shortCode        { return shortCode(e.code) }
func (e *twoMethodsError) ExtendedCode() longCode { return longCode(e.code) }

// A code can be an error itself, in mattn/go-sqlite3 and ncruces/go-sqlite3.
func (c extended) Error() string { return fmt.Sprint(int(c)) }

// shapes returns the error of each driver for a code.
func shapes(code int, message string) map[string]error {
	field := fieldError{primary(code & 0xff), extended(code), message}
	return map[string]error{
		"method":      &methodError{"constraint failed: " + message + fmt.Sprintf(" (%d)", code), code},
		"field":       field,
		"pointer":     &field,
		"two methods": &twoMethodsError{"sqlite3: constraint failed: " + message, uint32(code)},
		"number":      extended(code),
	}
}

func TestCodesOfSQLiteBecomeProblems(t *testing.T) {
	asSQLite(t)
	for code, want := range map[int]problem.Kind{
		2067: problem.KindDuplicate, 1555: problem.KindDuplicate, 2579: problem.KindDuplicate,
		787: problem.KindDependency,
		275: problem.KindStateConflict, 1811: problem.KindStateConflict,
		5: problem.KindWriteConflict, 261: problem.KindWriteConflict, 517: problem.KindWriteConflict, 773: problem.KindWriteConflict,
		6: problem.KindWriteConflict, 262: problem.KindWriteConflict,
		0: "", 1: "", 13: "", 19: "", 1299: "", 3091: "", -2067: "",
	} {
		for shape, err := range shapes(code, "text of the database") {
			p, ok := problem.FromSQL(fmt.Errorf("saving: %w", err))
			assert.Equal(t, want != "", ok, "%s %d", shape, code)
			if ok {
				assert.Equal(t, want, p.Kind, "%s %d", shape, code)
				assert.ErrorIs(t, p, err)
			}
		}
	}
}

func TestConstraintsOfSQLite(t *testing.T) {
	asSQLite(t)
	for message, c := range map[string]struct {
		code   int
		member string
	}{
		"UNIQUE constraint failed: users.email, users.tenant": {2067, `"conflicting":"users.email, users.tenant"`},
		"UNIQUE constraint failed: users.id":                  {1555, `"conflicting":"users.id"`},
		"CHECK constraint failed: stock (now) > (0)":          {275, `"constraint":"stock (now) \u003e (0)"`},
		"FOREIGN KEY constraint failed":                       {787, ""},
		"the text of a trigger":                               {1811, ""},
	} {
		for shape, err := range shapes(c.code, message) {
			p, ok := problem.FromSQL(err)
			require.True(t, ok, shape)
			w := httptest.NewRecorder()
			problem.Renderer{ShowConstraints: true}.JSON(w, httptest.NewRequest("PUT", "/", nil), p)
			if c.member == "" || shape == "number" {
				assert.NotContains(t, w.Body.String(), "constraint", shape)
				assert.NotContains(t, w.Body.String(), "trigger", shape)
				continue
			}
			assert.Contains(t, w.Body.String(), c.member, shape)
		}
	}
}

type embedsNilCodeError struct{ *methodError }

type stringCodeError struct{}

func (stringCodeError) Error() string { return "" }
func (stringCodeError) Code() string  { return "2067" }

type argumentError struct{}

func (argumentError) Error() string { return "" }
func (argumentError) Code(int) int  { return 2067 }
func (argumentError) ExtendedCode() {}

type panickingCodeError struct{}

func (panickingCodeError) Error() string { return "" }
func (panickingCodeError) Code() int     { panic("no code") }

type wideCodeError uint64

func (wideCodeError) Error() string { return "" }

func TestOddShapesOfSQLiteAreNoProblem(t *testing.T) {
	asSQLite(t)
	for _, err := range []error{
		(*methodError)(nil), (*fieldError)(nil), embedsNilCodeError{}, &embedsNilCodeError{}, stringCodeError{}, argumentError{}, panickingCodeError{}, wideCodeError(1<<32 | 5),
		extended(1<<32 | 5), extended(5 - 256), fieldError{Code: 5 - 256},
	} {
		assert.NotPanics(t, func() {
			_, ok := problem.FromSQL(err)
			assert.False(t, ok, "%T", err)
		}, "%T", err)
	}
}

func TestOddShapesHideNoOther(t *testing.T) {
	asSQLite(t)
	for _, odd := range []error{(*methodError)(nil), stringCodeError{}, argumentError{}, wideCodeError(1 << 32)} {
		p, ok := problem.FromSQL(errors.Join(odd, &methodError{code: 2067}))
		require.True(t, ok, "%T", odd)
		assert.Equal(t, problem.KindDuplicate, p.Kind)
	}
}
