package collapse_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware/collapse"
)

type valueKey struct{}

// inRun runs look inside of a handler whose leader's client goes when gone is
// called, while somebody else waits.
func inRun(t *testing.T, look func(ctx context.Context, gone func())) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, disconnect := context.WithCancelCause(context.WithValue(t.Context(), valueKey{}, "value"))
		begin := make(chan struct{})
		h := layer(t, collapse.Config{}).Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			<-begin
			look(r.Context(), func() {
				disconnect(assert.AnError)
				time.Sleep(time.Second)
			})
		}))
		leader := start(h, get("/a").WithContext(ctx))
		synctest.Wait()
		follower := start(h, get("/a"))
		synctest.Wait()
		close(begin)
		<-leader.done
		<-follower.done
		assert.Nil(t, leader.panicked)
	})
}

func TestContextKeepsValuesAndOutlivesTheClient(t *testing.T) {
	inRun(t, func(ctx context.Context, gone func()) {
		_, limited := ctx.Deadline()
		assert.False(t, limited)
		assert.Equal(t, "value", ctx.Value(valueKey{}))
		gone()
		assert.Equal(t, "value", ctx.Value(valueKey{}))
		require.NoError(t, context.Cause(ctx), "which is the leader's alone")
		require.NoError(t, ctx.Err())
	})
	inRun(t, func(ctx context.Context, gone func()) {
		child, cancel := context.WithCancel(ctx)
		defer cancel()
		gone()
		require.NoError(t, child.Err())
		require.NoError(t, context.Cause(child))
	})
}

func TestContextEndsOnceTheRequestIsAnswered(t *testing.T) {
	for name, early := range map[string]bool{"asked before": true, "asked after": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var left context.Context
				h := layer(t, collapse.Config{}).Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					left = r.Context() //nolint:fatcontext // what a goroutine that the handler leaves behind has
					if early {
						assert.NoError(t, left.Err())
					}
				}))
				<-start(h, get("/a")).done
				<-left.Done()
				assert.Equal(t, context.Canceled, left.Err())
				assert.Equal(t, context.Canceled, context.Cause(left))
			})
		})
	}
}

func TestContextsOfTheHandlerNeedNoGoroutines(t *testing.T) {
	inRun(t, func(ctx context.Context, gone func()) {
		child, cancel := context.WithTimeout(ctx, time.Hour)
		defer cancel()
		stop := context.AfterFunc(child, func() {})
		gone()
		assert.True(t, stop())
		require.NoError(t, child.Err())
	})
}

func TestADeadlineThatPassesIsNoCancellation(t *testing.T) {
	for name, limit := range map[string]time.Duration{"of the request": time.Second, "of the run": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := layer(t, collapse.Config{MaxRun: time.Minute}).Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					child, cancel := context.WithCancel(r.Context())
					defer cancel()
					<-child.Done()
					assert.Equal(t, context.DeadlineExceeded, child.Err())
					assert.Equal(t, context.DeadlineExceeded, r.Context().Err())
					for _, ctx := range []context.Context{child, r.Context()} {
						assert.ErrorContains(t, context.Cause(ctx), "collapse: ")
						assert.ErrorIs(t, context.Cause(ctx), context.DeadlineExceeded)
					}
				}))
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				p := start(h, get("/a").WithContext(ctx))
				<-p.done
				assert.Nil(t, p.panicked)
			})
		})
	}
}
