package concord_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
)

// TestAnOperatorSettlesWhatAStackDoesNotKnow: of a Stack with a store of its own
// nobody else could.
func TestAnOperatorSettlesWhatAStackDoesNotKnow(t *testing.T) {
	s := newScene(t, nil, panics)
	s.aborted("POST", keyed...)
	require.Equal(t, http.StatusConflict, s.do("POST", "SECRET-body", keyed...).Code)

	layer := s.stack.Idempotency()
	ref, err := layer.Reference("SECRET-ann", "SECRET-key")
	require.NoError(t, err)
	assert.Contains(t, s.log.String(), ref, "what the log calls it")
	require.NoError(t, layer.Resolve(context.Background(), ref, &idempotency.Outcome{Status: http.StatusCreated}))
	assert.Equal(t, http.StatusCreated, s.do("POST", "SECRET-body", keyed...).Code)

	bobs, err := layer.Reference("SECRET-bob", "SECRET-key")
	require.NoError(t, err)
	assert.ErrorIs(t, layer.Resolve(context.Background(), bobs, nil), idempotency.ErrNoRecord, "another's key is another key")
	_, err = layer.Reference("", "SECRET-key")
	assert.ErrorIs(t, err, middleware.ErrPrincipalUnknown)

	off, err := s.stack.With(func(c *concord.Config) { c.Off = concord.LayerIdempotency })
	require.NoError(t, err)
	assert.Nil(t, off.Idempotency())
}
