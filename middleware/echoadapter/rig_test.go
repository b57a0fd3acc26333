package echoadapter_test

import (
	"io"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/middleware/echoadapter"
)

// newEcho returns a quiet Echo, and its layers for a group.
func newEcho(t *testing.T, c concord.Config) (*echo.Echo, echo.MiddlewareFunc) {
	t.Helper()
	if c.Principal == nil {
		c.Principal = concord.DangerouslyShared
	}
	stack, err := concord.New(c)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, stack.Close(t.Context())) })
	e := echo.New()
	e.Logger.SetOutput(io.Discard)
	return e, echoadapter.Wrap(stack.Handler)
}
