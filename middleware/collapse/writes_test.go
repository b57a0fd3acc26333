package collapse_test

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware/collapse"
)

// On routes that only their writes bring to the layer, a read neither waits nor
// is waited for, and only what may change something ends the sharing of others.
func TestWritesEndsSharingAndSharesNothing(t *testing.T) {
	for method, runs := range map[string]int64{"PUT": 2, "POST": 2, "BREW": 2, "GET": 1, "HEAD": 1, "OPTIONS": 1, "QUERY": 1} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, err := collapse.New(collapse.Config{})
				require.NoError(t, err)
				other, err := l.With(collapse.Config{})
				require.NoError(t, err)
				var ran, passed atomic.Int64
				reads := l.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					ran.Add(1)
					time.Sleep(time.Second)
					_, _ = io.WriteString(w, "slow")
				}))
				writes := other.Writes(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
					passed.Add(1)
					time.Sleep(100 * time.Millisecond)
				}))
				first := start(reads, get("/a"))
				synctest.Wait()
				one, two := start(writes, request(method, "/a")), start(writes, request(method, "/a"))
				synctest.Wait()
				assert.EqualValues(t, 2, passed.Load(), "at once")
				one.wants(t, http.StatusOK, "", "")
				two.wants(t, http.StatusOK, "", "")
				second := start(reads, get("/a"))
				synctest.Wait()
				assert.Equal(t, runs, ran.Load())
				<-first.done
				<-second.done
			})
		})
	}
}
