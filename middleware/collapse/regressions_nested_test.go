package collapse_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware/collapse"
)

// TestARequestDoesNotWaitForItself: a handler can be reached twice, as what a
// framework has one middleware for, at two places of one chain.
func TestARequestDoesNotWaitForItself(t *testing.T) {
	for name, watched := range map[string]bool{"": false, "of a context that is watched": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				layer, err := collapse.New(collapse.Config{})
				require.NoError(t, err)
				var outer http.Handler
				runs := 0
				outer = layer.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if watched {
						_ = r.Context().Done()
					}
					if runs++; runs == 1 {
						outer.ServeHTTP(w, r)
						return
					}
					_, _ = w.Write([]byte("once"))
				}))
				began := time.Now()
				w := httptest.NewRecorder()
				outer.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/a", http.NoBody))
				assert.Equal(t, "once", w.Body.String())
				assert.Empty(t, w.Header().Get("Cache-Status"))
				assert.Zero(t, time.Since(began))
			})
		})
	}
}
