package clients

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/idempotency"
)

// Go's own client repeats a request by itself if a connection that it kept is
// broken off before the first byte of the answer: what has no effect, and what has
// an Idempotency-Key. So the header alone, which the server does not understand,
// makes it do things twice.
func TestGoRepeatsKeyedRequestsByItself(t *testing.T) {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}
	send := func(t *testing.T, s *server, key string) (*http.Response, error) {
		t.Helper()
		res, err := client.Do(payment(t, s, key))
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
		return res, err
	}
	twoOrders := func(t *testing.T, s *server) *http.Response {
		t.Helper()
		_, err := send(t, s, "order-1") // makes the connection that is kept
		require.NoError(t, err)
		res, err := send(t, s, "order-2")
		require.NoError(t, err)
		return res
	}
	t.Run("and the answer is the first one's", func(t *testing.T) {
		s := newPayments(t, losesReply(2))
		res := twoOrders(t, s)
		assert.Equal(t, "true", res.Header.Get("Idempotency-Replayed"))
		assert.Equal(t, "/payments/2", res.Header.Get("Location"))
		assert.Equal(t, []int{201, 201, 201}, s.statuses())
		assert.EqualValues(t, 2, s.runs.Load())
	})
	t.Run("which without the layer is a second payment", func(t *testing.T) {
		s := newPayments(t, both(losesReply(2), func(_ *server, c *concord.Config) { c.Off = concord.LayerIdempotency }))
		res := twoOrders(t, s)
		assert.Equal(t, "/payments/3", res.Header.Get("Location"))
		assert.EqualValues(t, 3, s.runs.Load(), "for two orders")
	})
	t.Run("but only if it can send the body again", func(t *testing.T) {
		s := newPayments(t, losesReply(2))
		_, err := send(t, s, "order-1")
		require.NoError(t, err)
		r := payment(t, s, "order-2")
		r.GetBody = nil
		_, err = client.Do(r)
		require.Error(t, err)
		assert.Equal(t, []int{201, 201}, s.statuses())
	})
}

// With idempotency.Transport a client need not have kept the connection, nor made
// up a key.
func TestTransportPaysOnceThoughTheReplyIsLost(t *testing.T) {
	transport := &idempotency.Transport{Base: &http.Transport{}, Backoff: time.Millisecond}
	client := &http.Client{Transport: transport}
	t.Cleanup(client.CloseIdleConnections)
	s := newPayments(t, losesReply(1))
	r := payment(t, s, "")
	r.Header.Del("Idempotency-Key")
	res, err := client.Do(r)
	require.NoError(t, err)
	res.Body.Close()
	assert.Equal(t, "/payments/1", res.Header.Get("Location"))
	assert.Equal(t, "true", res.Header.Get("Idempotency-Replayed"))
	assert.Equal(t, []int{201, 201}, s.statuses())
	assert.EqualValues(t, 1, s.runs.Load())
	s.requireOneKey(t)
}

func payment(t *testing.T, s *server, key string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/payments", strings.NewReader("1250"))
	require.NoError(t, err)
	r.SetBasicAuth("ann", "")
	r.Header.Set("Idempotency-Key", key)
	return r
}
