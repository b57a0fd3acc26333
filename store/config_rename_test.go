package store_test

import (
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/store"
)

func TestRenameFieldsReachesEveryMistake(t *testing.T) {
	inner := &store.ConfigError{Field: "Lease", Value: -1, Reason: "must be positive"}
	outer := &store.ConfigError{Field: "Store", Reason: "is required"}
	err := store.RenameFields(errors.Join(errors.Join(inner, io.EOF), outer), func(field string) string { return "etag.Config.Gate" + field })
	assert.EqualError(t, err, "config: etag.Config.GateLease is -1: must be positive\nEOF\nconfig: etag.Config.GateStore: is required")
	assert.ErrorIs(t, err, io.EOF)
	assert.Equal(t, "Lease", inner.Field, "the original is as it was")
	assert.NoError(t, store.RenameFields(nil, nil))
}
