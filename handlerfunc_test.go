package concord_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

// The client learns nothing of the cause but an instance to ask by, so somebody
// else must.
func TestTheCauseOfAHandlersFailureIsObserved(t *testing.T) {
	unavailable := problem.New(problem.KindValidatorUnavailable, "Later.")
	unavailable.Err = io.ErrUnexpectedEOF
	for name, c := range map[string]struct {
		err   error
		cause error // nil: nobody is told
	}{
		"no error":                  {nil, nil},
		"an error":                  {io.ErrClosedPipe, io.ErrClosedPipe},
		"a problem with a cause":    {unavailable, io.ErrUnexpectedEOF},
		"a problem that is nothing": {&problem.Problem{Err: io.EOF}, io.EOF},
		"a conflict":                {problem.StateConflict("Taken."), nil},
		"an error of a database":    {errors.Join(&sqlState{"23505"}), nil},
	} {
		t.Run(name, func(t *testing.T) {
			var saw []middleware.Event
			stack := newStack(t, concord.Config{Observer: observe(func(e middleware.Event) { saw = append(saw, e) })})
			h := stack.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return c.err })
			w := send(h, request(http.MethodPost, ""))
			if c.cause == nil {
				assert.Empty(t, saw)
				return
			}
			require.Len(t, saw, 1)
			var told struct {
				Type, Instance string
				Status         int
			}
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &told))
			assert.Equal(t, middleware.Event{
				Kind: middleware.EventFailed, Layer: "handler", Method: http.MethodPost, Resource: "/d",
				Problem: saw[0].Problem, Instance: told.Instance, Status: told.Status, Err: c.cause,
			}, saw[0])
			assert.Equal(t, told.Type, problem.DefaultTypeBase+string(saw[0].Problem))
			assert.Equal(t, told.Status, w.Code)
			assert.NotEmpty(t, told.Instance)
		})
	}
}

// sqlState is an error in the shape of pgx's.
type sqlState struct{ code string }

func (e *sqlState) Error() string    { return e.code }
func (e *sqlState) SQLState() string { return e.code }
