//go:build unix

package redisstore_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/internal/testserver"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/redisstore"
)

// newCountedStore returns a store behind a wire, on a connection that is there
// and on a server that knows the scripts.
func newCountedStore(t *testing.T) (*redisstore.Store, *wire) {
	t.Helper()
	o, err := redis.ParseURL(testserver.Redis(t))
	require.NoError(t, err)
	w := newWire(t, o.Addr, nil)
	s := newStore(t, newClient(t, fmt.Sprintf("redis://%s/%d", w.addr, o.DB), func(o *redis.Options) { o.PoolSize = 1 }), redisstore.Config{})
	ctx := context.Background()
	r := mustCreate(t, s, "warm", record("r"))
	r = mustReplace(t, s, "warm", r.Version, record("r"))
	_, _, err = s.Get(ctx, "warm")
	require.NoError(t, err)
	_, err = s.Delete(ctx, "warm", r.Version)
	require.NoError(t, err)
	return s, w
}

// trips is how many round trips f makes.
func trips(w *wire, f func()) int64 {
	before := w.trips.Load()
	f()
	return w.trips.Load() - before
}

func TestEveryMethodIsOneRoundTrip(t *testing.T) {
	s, w := newCountedStore(t)
	ctx := context.Background()
	var r store.Record
	assert.EqualValues(t, 1, trips(w, func() { r = mustCreate(t, s, "key", record("r")) }), "the winner of Create")
	assert.EqualValues(t, 1, trips(w, func() { _, _, _ = s.Create(ctx, "key", record("r")) }), "its loser")
	assert.EqualValues(t, 1, trips(w, func() { _, _, _ = s.Get(ctx, "key") }), "Get")
	assert.EqualValues(t, 1, trips(w, func() { _, _, _ = s.Replace(ctx, "key", 1, record("r")) }), "the loser of Replace")
	assert.EqualValues(t, 1, trips(w, func() { r = mustReplace(t, s, "key", r.Version, record("r")) }), "its winner")
	assert.EqualValues(t, 1, trips(w, func() { _, _ = s.Delete(ctx, "key", r.Version) }), "Delete")
}

// TestRoundTripsOfRequests counts what the performance table of the design says.
func TestRoundTripsOfRequests(t *testing.T) {
	s, w := newCountedStore(t)
	current := etag.State{Exists: true, Tag: etag.Of([]byte("one"))}
	config := concord.Config{Store: s, Principal: func(*http.Request) (string, error) { return "ann", nil }}
	config.ETag.Current = func(*http.Request) (etag.State, error) { return current, nil }
	stack, err := concord.New(config)
	require.NoError(t, err)
	defer stack.Close(context.Background())
	h := stack.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintln(w, r.Method)
	}))
	send := func(method, key string, conditional bool) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/documents/1", strings.NewReader("text"))
		if key != "" {
			r.Header.Set("Idempotency-Key", key)
		}
		if conditional {
			r.Header.Set("If-Match", current.Tag.String())
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	for _, row := range []struct {
		name, method, key string
		conditional       bool
		want              int64
	}{
		{"the first run of a payment", http.MethodPost, "1", false, 2},
		{"its replay", http.MethodPost, "1", false, 1},
		{"a write that is gated", http.MethodPut, "", true, 2},
		{"a write that is keyed and gated", http.MethodPut, "2", true, 4},
		{"its replay", http.MethodPut, "2", true, 1},
	} {
		got := trips(w, func() {
			require.Equal(t, http.StatusCreated, send(row.method, row.key, row.conditional).Code, row.name)
		})
		assert.Equal(t, row.want, got, row.name)
	}
}
