package main

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// writeProbes are about writes.
var writeProbes = map[string]probe{
	"a PUT whose If-Match is stale is 412": refuses(http.StatusPreconditionFailed, func(string) ask {
		return put(`If-Match: "old"`)
	}),
	"its handler does not run, and need not ask": func(t *testing.T, who string) bool {
		s, writes := documents()
		service := behind(t, who, s)
		if who == peerCond {
			service = s.onHuma(false)
		}
		service.answers(t.Context(), put(`If-Match: "old"`))
		return *writes == 0
	},
	"a weak tag does not satisfy If-Match": refuses(http.StatusPreconditionFailed, func(tag string) ask {
		return put("If-Match: W/" + tag)
	}),
	"If-Match without quotes is refused": refuses(http.StatusBadRequest, func(tag string) ask {
		return put("If-Match: " + unquoted(tag))
	}),
	"If-Match: * passes where there is a document": func(t *testing.T, who string) bool {
		s, _ := documents()
		return behind(t, who, s).answers(t.Context(), put("If-Match: *")).status == http.StatusOK
	},
	"of two PUTs at once with one If-Match, one is 412": oneOfTwo,
}

// refuses tells whether a write is refused with a status; refused in another way
// it counts as refused, too, but must not have been done.
func refuses(status int, asks func(tag string) ask) probe {
	return func(t *testing.T, who string) bool {
		s, writes := documents()
		service := behind(t, who, s)
		require.Equal(t, http.StatusOK, service.answers(t.Context(), put()).status, "without a precondition it is done")
		*writes = 0
		got := service.answers(t.Context(), asks(s.tag()))
		return got.status == status && *writes == 0
	}
}

// oneOfTwo has two editors save the version that both have read. Each write
// waits for the other, for a while, so that they meet if anything lets them.
func oneOfTwo(t *testing.T, who string) (held bool) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		tag, inside, met := `"v1"`, 0, make(chan struct{})
		s := script{
			tag: func() string {
				mu.Lock()
				defer mu.Unlock()
				return tag
			},
			run: func(_ context.Context, method string) answer {
				if method == http.MethodGet {
					return answer{status: http.StatusOK, body: []byte("a document")}
				}
				mu.Lock()
				if inside++; inside == 2 {
					close(met)
				}
				mu.Unlock()
				select {
				case <-met:
				case <-time.After(time.Second): // of the bubble
				}
				mu.Lock()
				tag = `"v2"`
				mu.Unlock()
				return answer{status: http.StatusOK}
			},
		}
		service := behind(t, who, s)
		var done sync.WaitGroup
		var saved, refused atomic.Int64
		for range 2 {
			done.Go(func() {
				switch service.answers(t.Context(), put(`If-Match: "v1"`)).status {
				case http.StatusOK:
					saved.Add(1)
				case http.StatusPreconditionFailed:
					refused.Add(1)
				}
			})
		}
		done.Wait()
		require.EqualValues(t, 2, saved.Load()+refused.Load())
		require.Positive(t, saved.Load())
		held = saved.Load() == 1
	})
	return held
}
