package problem_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware/problem"
)

func TestStatesOfPostgreSQLBecomeProblems(t *testing.T) {
	for state, want := range map[string]problem.Kind{
		"23505": problem.KindDuplicate,
		"23503": problem.KindDependency, "23001": problem.KindDependency,
		"23P01": problem.KindStateConflict, "23514": problem.KindStateConflict,
		"40001": problem.KindWriteConflict, "40P01": problem.KindWriteConflict, "55P03": problem.KindWriteConflict,
		"": "", "23502": "", "23000": "", "40003": "", "42601": "", "57014": "", "P0001": "", "23505x": "",
	} {
		p, ok := problem.FromSQL(&pgError{Code: state})
		assert.Equal(t, want != "", ok, state)
		if ok {
			assert.Equal(t, want, p.Kind, state)
			assert.Equal(t, want == problem.KindWriteConflict, p.Retryable, state)
			assert.NotEmpty(t, p.Detail, state)
		}
	}
}

func TestErrorsOfDatabasesAreFoundAnywhere(t *testing.T) {
	unique := &pgError{Code: "23505"}
	for name, err := range map[string]error{
		"bare":                          unique,
		"wrapped":                       fmt.Errorf("a: %w", fmt.Errorf("b: %w", unique)),
		"joined":                        errors.Join(io.EOF, unique),
		"wrapped twice at once":         fmt.Errorf("%w and %w", io.EOF, fmt.Errorf("b: %w", unique)),
		"behind one that is no problem": errors.Join(&pgError{Code: "42601"}, unique),
		"around one that is no problem": wrapping{unique, "99999"},
		"after a nil":                   branches{nil, (*pgError)(nil), unique},
	} {
		p, ok := problem.FromSQL(err)
		require.True(t, ok, name)
		assert.Equal(t, problem.KindDuplicate, p.Kind, name)
		assert.Equal(t, err, p.Err, name)
	}
}

type wrapping struct {
	error
	state string
}

func (w wrapping) Unwrap() error    { return w.error }
func (w wrapping) SQLState() string { return w.state }

type branches []error

func (b branches) Error() string   { return "branches" }
func (b branches) Unwrap() []error { return b }

type itself struct{}

func (itself) Error() string   { return "itself" }
func (i itself) Unwrap() error { return i }

type doubling struct{}

func (doubling) Error() string     { return "doubling" }
func (d doubling) Unwrap() []error { return []error{d, d} }

type panickingError struct{}

func (panickingError) Error() string    { return "" }
func (panickingError) SQLState() string { panic("no state") }

type mapError map[string]string

func (mapError) Error() string      { return "" }
func (m mapError) SQLState() string { return m["state"] }

type funcError func() string

func (f funcError) Error() string    { return "" }
func (f funcError) SQLState() string { return "23505" }

type embedsNilError struct{ *pgError }

func TestOddErrorsAreNoReasonToPanic(t *testing.T) {
	for _, err := range []error{
		nil, (*pgError)(nil), itself{}, doubling{}, panickingError{}, mapError(nil), embedsNilError{}, &embedsNilError{},
		errors.Join(), branches(nil), branches{nil}, wrapping{}, errors.New(""),
	} {
		assert.NotPanics(t, func() {
			p, ok := problem.FromSQL(err)
			assert.False(t, ok, "%T", err)
			assert.Nil(t, p, "%T", err)
		}, "%T", err)
	}
	for _, err := range []error{mapError{"state": "23505"}, funcError(nil)} {
		p, ok := problem.FromSQL(err)
		require.True(t, ok, "%T", err)
		assert.Equal(t, problem.KindDuplicate, p.Kind)
	}
}

func TestDepthIsBounded(t *testing.T) {
	deep := func(n int) (err error) {
		err = &pgError{Code: "23505"}
		for range n {
			err = fmt.Errorf("a: %w", err)
		}
		return err
	}
	_, ok := problem.FromSQL(deep(63))
	assert.True(t, ok, "64 errors are looked at")
	_, ok = problem.FromSQL(deep(64))
	assert.False(t, ok, "and no more")
}
