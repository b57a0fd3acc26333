//go:build unix

package testserver

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAPrivateServerCanBeKilledPausedAndStartedAgain(t *testing.T) {
	url, p := PrivateRedis(t)
	addr := strings.TrimSuffix(strings.TrimPrefix(url, "redis://"), "/0")
	require.NoError(t, pings(context.Background(), addr))

	p.Kill(t)
	require.Error(t, pings(context.Background(), addr))
	p.Kill(t) // what has ended stays ended

	p.Start(t)
	require.NoError(t, pings(context.Background(), addr))
	p.Pause(t)
	assert.Error(t, pings(context.Background(), addr), "a paused server answers nothing")
	p.Continue(t)
	assert.NoError(t, pings(context.Background(), addr))
	p.Stop(t)
	assert.Error(t, pings(context.Background(), addr))
}
