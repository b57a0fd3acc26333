package concord_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/memory"
)

// A POST that is led past the layers ends the sharing of reads that began before
// it returned, also if its client has had the answer before, or it panics; and
// so does one that began when nothing was read.
func TestReadsDoNotJoinRunsFromBeforeAPost(t *testing.T) {
	for name, c := range map[string]struct{ unread, flushes, panics bool }{
		"it returns":                    {},
		"it flushes":                    {flushes: true},
		"it panics":                     {panics: true},
		"nothing was read":              {unread: true},
		"nothing was read, it flushes":  {unread: true, flushes: true},
		"nothing was read, it panics":   {unread: true, panics: true},
		"it flushes its answer, panics": {flushes: true, panics: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var value, reads atomic.Int64
				released, returns := make(chan struct{}), make(chan struct{})
				h := newStack(t, concord.Config{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodGet {
						reads.Add(1)
						read := value.Load()
						<-released
						_, _ = fmt.Fprint(w, read)
						return
					}
					value.Add(1)
					if c.flushes {
						_ = http.NewResponseController(w).Flush()
					}
					<-returns
					if c.panics {
						panic(http.ErrAbortHandler)
					}
				}))
				if !c.unread {
					before := start(h, request(http.MethodGet, ""))
					defer func() { assert.Equal(t, "0", before().Body.String()) }()
					synctest.Wait()
				}
				written := make(chan struct{})
				go func() {
					defer close(written)
					defer func() { _ = recover() }()
					send(h, request(http.MethodPost, ""))
				}()
				synctest.Wait()
				during := start(h, request(http.MethodGet, ""))
				defer during()
				synctest.Wait()
				require.EqualValues(t, 1, reads.Load(), "until it returns, it may not have written")
				close(returns)
				<-written
				after := start(h, request(http.MethodGet, ""))
				synctest.Wait()
				assert.EqualValues(t, 2, reads.Load(), "a run of its own")
				close(released)
				assert.Equal(t, "1", after().Body.String())
			})
		})
	}
}

// untransacted is a store that counts the transactions that it is asked for.
type untransacted struct {
	*memory.Store
	begun atomic.Int64
}

func (u *untransacted) Begin(context.Context) (store.Tx, error) {
	u.begun.Add(1)
	return nil, store.ErrUnavailable
}

// An attempt that began with a key that the Stack does not know of has its
// transaction in the Stack all the same.
func TestAnAttemptFromOutsideHasItsTransaction(t *testing.T) {
	s := &untransacted{Store: memory.New(memory.Config{})}
	c := idempotency.Config{Store: s, Transactional: true, Principal: concord.DangerouslyShared}
	outside, err := idempotency.New(c)
	require.NoError(t, err)
	outside.Run(http.NotFoundHandler()) // it has routes of its own, too
	c.Header = "Other-Key"
	h := outside.Claim(newStack(t, concord.Config{Store: s, Idempotency: c}).Handler(one()))
	send(h, request(http.MethodPost, "x", "Idempotency-Key", "k"))
	assert.EqualValues(t, 1, s.begun.Load())
}
