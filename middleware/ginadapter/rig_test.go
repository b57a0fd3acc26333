package ginadapter_test

import (
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/middleware/ginadapter"
)

// newEngine returns a quiet engine, and its layers for a group.
func newEngine(t *testing.T, c concord.Config) (*gin.Engine, gin.HandlerFunc) {
	t.Helper()
	gin.SetMode(gin.TestMode)
	if c.Principal == nil {
		c.Principal = concord.DangerouslyShared
	}
	stack, err := concord.New(c)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, stack.Close(t.Context())) })
	engine := gin.New()
	return engine, ginadapter.Wrap(engine, stack.Handler)
}
