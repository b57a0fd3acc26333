//go:build unix

package docs

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/examples/internal/teststore"
)

func TestStacksOnServersReplay(t *testing.T) {
	charge := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "charged") })
	replays := func(t *testing.T, stack *concord.Stack) {
		h := stack.Handler(charge)
		assert.Equal(t, "200 charged", ask(h, "POST", "/payments", "docs", ""))
		assert.Equal(t, "200 charged (replayed)", ask(h, "POST", "/payments", "docs", ""))
	}
	t.Run("Redis", func(t *testing.T) {
		address, err := url.Parse(teststore.Redis.URL(t))
		require.NoError(t, err)
		stack, closeStore, err := onRedis(t.Context(), address.Host)
		require.NoError(t, err)
		replays(t, stack)
		require.NoError(t, closeStore())
	})
	t.Run("NATS", func(t *testing.T) {
		stack, closeStore, err := onNATS(t.Context(), teststore.NATS.URL(t), 1)
		require.NoError(t, err)
		replays(t, stack)
		closeStore()
	})
}
