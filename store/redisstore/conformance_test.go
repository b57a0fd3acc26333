//go:build unix

package redisstore_test

import (
	"testing"

	"github.com/concordhttp/concord/internal/testserver"
	"github.com/concordhttp/concord/store/redisstore"
	"github.com/concordhttp/concord/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, opener(newClient(t, testserver.Redis(t)), redisstore.Config{}))
}
