package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
)

func TestConfigErrorNamesFieldValueAndReason(t *testing.T) {
	require.EqualError(t,
		&store.ConfigError{Field: "Lease", Value: -time.Second, Reason: "must be positive"},
		"config: Lease is -1s: must be positive")
	require.EqualError(t,
		&store.ConfigError{Field: "Store", Reason: "is required"},
		"config: Store: is required")
}
