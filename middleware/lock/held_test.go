package lock_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/middleware/lock"
	"github.com/concordhttp/concord/store/memory"
)

func TestAHandlerIsToldOfTheLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var held *lock.Held
		var under bool
		h := protect(t, lock.Config{Holder: shows}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			held, under = lock.FromContext(r.Context())
		}))
		do(h, "bob", "PUT", "/a", "x")
		assert.False(t, under)
		token := take(t, h, "ann", "/a", "Timeout", "Second-60")
		do(h, "ann", "PUT", "/a", "x", "Lock-Token", token)
		assert.True(t, under)
		assert.Equal(t, "the ann", held.Holder)
		assert.Equal(t, time.Now().Add(time.Minute), held.Expires)
		assert.NotZero(t, held.Token())
		do(h, "bob", "GET", "/a", "")
		assert.False(t, under)
	})
}

// TestFencingTokensGrow: whatever ends a lock, and on whichever server the next
// one is taken.
func TestFencingTokensGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New(memory.Config{})
		l, other := layer(t, lock.Config{Store: shared}), layer(t, lock.Config{Store: shared})
		last := uint64(0)
		for i := range 10 {
			held, err := l.Acquire(t.Context(), "/a", "ann", "", time.Second)
			assert.NoError(t, err)
			assert.Greater(t, held.Fence, last)
			last = held.Fence
			if i%2 == 0 {
				assert.NoError(t, other.Release(t.Context(), "/a", held.Token, "ann"))
			} else {
				time.Sleep(time.Second)
			}
			l, other = other, l
		}
	})
}

// TestBothLayersTellTheHandler what they know, whichever stands outside.
func TestBothLayersTellTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New(memory.Config{})
		tags, err := etag.New(etag.Config{Store: shared})
		assert.NoError(t, err)
		l := layer(t, lock.Config{Store: shared})
		h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.Method != "PUT" {
				return
			}
			check, ok := etag.FromContext(r.Context())
			assert.True(t, ok)
			assert.NotZero(t, check.Token)
			held, ok := lock.FromContext(r.Context())
			assert.True(t, ok)
			assert.NotEqual(t, check.Token, held.Token(), "one is of the gate, the other of the lock")
		})
		for _, both := range []http.Handler{tags.Handler(l.Handler(h)), l.Handler(tags.Handler(h))} {
			token := take(t, both, "ann", "/a")
			assert.Equal(t, 200, do(both, "ann", "PUT", "/a", "x", "Lock-Token", token).Code)
			assert.Equal(t, 204, do(both, "ann", "UNLOCK", "/a", "", "Lock-Token", token).Code)
		}
	})
}
