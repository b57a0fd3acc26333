package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type stateError string

func (e stateError) Error() string    { return string(e) }
func (e stateError) SQLState() string { return string(e) }

type codeError int

func (e codeError) Error() string { return "code" }
func (e codeError) Code() int     { return int(e) }

type numberError struct{ Number uint16 }

func (*numberError) Error() string { return "number" }

type fieldError struct{ Code int }

func (fieldError) Error() string { return "field" }

func TestWhatIsSentAgain(t *testing.T) {
	for err, want := range map[error]bool{
		stateError("40001"): true, stateError("40P01"): true, stateError("55P03"): true,
		stateError("23505"): false, stateError("25P02"): false, stateError("57014"): false,
		codeError(5): true, codeError(517): true, codeError(6): true, codeError(262): true,
		codeError(13): false, codeError(1555): false,
		&numberError{1213}: true, &numberError{1205}: true, &numberError{1020}: true, &numberError{1062}: false,
		fieldError{5}: true, fieldError{19}: false,
		driver.ErrBadConn:    true,
		errors.New("broken"): false, context.DeadlineExceeded: false,
	} {
		assert.Equal(t, want, transient(err), "%v", err)
		assert.Equal(t, want, transient(fmt.Errorf("wrapped: %w", err)), "%v, wrapped", err)
	}
}

func TestTimes(t *testing.T) {
	assert.EqualValues(t, 1, micros(1), "no time to live becomes none")
	assert.EqualValues(t, 1, micros(time.Microsecond))
	assert.EqualValues(t, 2, micros(time.Microsecond+1))
	assert.Equal(t, math.MaxInt64/1000+1, int(micros(math.MaxInt64)))
	assert.Equal(t, time.Second, duration(1e6))
	assert.Equal(t, time.Duration(math.MaxInt64), duration(math.MaxInt64))
	for n := range 70 {
		d := jittered(time.Millisecond, 50*time.Millisecond, n)
		assert.Positive(t, d)
		assert.LessOrEqual(t, d, 75*time.Millisecond)
	}
}

func TestBounded(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	hangs := make(chan struct{})
	_, err := bounded(ctx, func() (int, error) { <-hangs; return 1, nil })
	require.ErrorIs(t, err, context.DeadlineExceeded, "a driver that does not look at its context")
	close(hangs)
	n, err := bounded(ctx, func() (int, error) { return 1, nil })
	require.NoError(t, err, "what is known counts")
	assert.Equal(t, 1, n)
	assert.PanicsWithValue(t, "boom", func() { _, _ = bounded(t.Context(), func() (int, error) { panic("boom") }) })
}
