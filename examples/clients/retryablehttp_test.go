package clients

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/middleware/problem"
)

// newRetryable returns a go-retryablehttp client, with its defaults but for one
// thing: it notes how long it would have waited by backoff, and does not.
func newRetryable(t *testing.T, backoff retryablehttp.Backoff) (client *retryablehttp.Client, waits *[]time.Duration) {
	t.Helper()
	client = retryablehttp.NewClient()
	client.Logger = nil
	waits = new([]time.Duration)
	client.Backoff = func(shortest, longest time.Duration, attempt int, res *http.Response) time.Duration {
		*waits = append(*waits, backoff(shortest, longest, attempt, res))
		return 0
	}
	t.Cleanup(client.HTTPClient.CloseIdleConnections)
	return client, waits
}

// followRetryable is a CheckRetry that does as problems say: what is retryable is
// sent again, and what is not is not, whatever its status. The default policy
// decides about everything else. The body is there for the caller all the same.
func followRetryable(ctx context.Context, res *http.Response, err error) (bool, error) {
	if err == nil {
		if p, none := problem.Parse(res); none == nil && p.Kind != "" {
			return p.Retryable, ctx.Err()
		}
	}
	return retryablehttp.DefaultRetryPolicy(ctx, res, err)
}

// afterRetryAfter is a Backoff that waits as the answer says, also a 409: the
// default looks at the field on 429 and 503 alone.
func afterRetryAfter(shortest, longest time.Duration, attempt int, res *http.Response) time.Duration {
	if res != nil && res.StatusCode == http.StatusConflict {
		as503 := *res
		as503.StatusCode = http.StatusServiceUnavailable
		res = &as503
	}
	return retryablehttp.DefaultBackoff(shortest, longest, attempt, res)
}

// pay is a payment as go-retryablehttp sends it: the key is set once, and with it
// every attempt has it.
func pay(t *testing.T, s *server, amount, key string) *retryablehttp.Request {
	t.Helper()
	r, err := retryablehttp.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/payments", strings.NewReader(amount))
	require.NoError(t, err)
	r.SetBasicAuth("ann", "")
	r.Header.Set("Idempotency-Key", key)
	return r
}

// wantPayment sends a request and wants the answer of the first payment.
func wantPayment(t *testing.T, client *retryablehttp.Client, r *retryablehttp.Request) *http.Response {
	t.Helper()
	res, err := client.Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	assert.Equal(t, http.StatusCreated, res.StatusCode)
	assert.Equal(t, "Payment 1.", string(body))
	assert.Equal(t, "/payments/1", res.Header.Get("Location"))
	return res
}

func TestRetryableHTTPRepeatsA503AfterAsLongAsItSays(t *testing.T) {
	client, waits := newRetryable(t, retryablehttp.DefaultBackoff)
	s := newPayments(t, storeIsDown(2))
	wantPayment(t, client, pay(t, s, "1250", `"order-1"`))
	assert.Equal(t, []int{503, 503, 201}, s.statuses())
	assert.Equal(t, []time.Duration{time.Second, time.Second}, *waits, "as Retry-After says; of itself it would double")
	assert.EqualValues(t, 1, s.connections.Load(), "it reads problems to their end, and keeps the connection")
	s.requireOneKey(t)
}

func TestRetryableHTTPRepeatsA429OfARateLimiter(t *testing.T) {
	client, waits := newRetryable(t, retryablehttp.DefaultBackoff)
	s := newPayments(t, func(s *server, _ *concord.Config) {
		var requests atomic.Int64
		s.around = func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if requests.Add(1) == 1 {
					w.Header().Set("Retry-After", "7")
					http.Error(w, "not so fast", http.StatusTooManyRequests)
					return
				}
				next.ServeHTTP(w, r)
			})
		}
	})
	wantPayment(t, client, pay(t, s, "1250", `"order-1"`))
	assert.Equal(t, []time.Duration{7 * time.Second}, *waits)
	assert.Equal(t, []int{201}, s.statuses(), "Concord saw the second alone")
	s.requireOneKey(t)
}

func TestRetryableHTTPPaysOnceThoughTheReplyIsLost(t *testing.T) {
	client, _ := newRetryable(t, retryablehttp.DefaultBackoff)
	s := newPayments(t, losesReply(1))
	res := wantPayment(t, client, pay(t, s, "1250", `"order-1"`))
	assert.Equal(t, "true", res.Header.Get("Idempotency-Replayed"))
	assert.Equal(t, []int{201, 201}, s.statuses())
	assert.EqualValues(t, 1, s.runs.Load())
	s.requireOneKey(t)
}

func TestRetryableHTTPTakesA409ForFinal(t *testing.T) {
	client, _ := newRetryable(t, retryablehttp.DefaultBackoff)
	s := newPayments(t, runsUntilRefused(t, false))
	res, err := client.Do(pay(t, s, "1250", `"order-1"`))
	require.NoError(t, err)
	defer res.Body.Close()
	assert.Equal(t, http.StatusConflict, res.StatusCode)
	assert.Equal(t, []int{201, 409}, s.statuses())
}

func TestRetryableHTTPRepeatsARequestInFlightIfItFollowsProblems(t *testing.T) {
	client, waits := newRetryable(t, afterRetryAfter)
	client.CheckRetry = followRetryable
	s := newPayments(t, runsUntilRefused(t, false))
	res := wantPayment(t, client, pay(t, s, "1250", `"order-1"`))
	assert.Equal(t, "true", res.Header.Get("Idempotency-Replayed"))
	assert.Equal(t, []int{201, 409, 201}, s.statuses())
	require.Len(t, *waits, 2)
	assert.Equal(t, time.Second, (*waits)[1], "as Retry-After of the 409 says; of itself it would be two")
	assert.EqualValues(t, 1, s.runs.Load())
	s.requireOneKey(t)
}

func TestRetryableHTTPRefusals(t *testing.T) {
	sent := func(t *testing.T, policy retryablehttp.CheckRetry, configure func(*server, *concord.Config), amounts ...string) (*server, *http.Response, error) {
		t.Helper()
		client, _ := newRetryable(t, retryablehttp.DefaultBackoff)
		if policy != nil {
			client.CheckRetry = policy
		}
		s := newPayments(t, configure)
		var res *http.Response
		var err error
		for _, amount := range amounts {
			if res, err = client.Do(pay(t, s, amount, `"order-1"`)); err == nil {
				t.Cleanup(func() { res.Body.Close() })
			}
		}
		return s, res, err
	}
	misconfigured := func(_ *server, c *concord.Config) {
		c.Principal = func(*http.Request) (string, error) { return "", errors.New("nobody") }
	}

	t.Run("a 422 is one call, and its problem is the caller's to read", func(t *testing.T) {
		for name, policy := range map[string]retryablehttp.CheckRetry{"default": nil, "followRetryable": followRetryable} {
			s, res, err := sent(t, policy, nothingElse, "1250", "9900")
			require.NoError(t, err, name)
			assert.Equal(t, []int{201, 422}, s.statuses(), name)
			var p struct{ Type string }
			require.NoError(t, json.NewDecoder(res.Body).Decode(&p), name)
			assert.Equal(t, problem.DefaultTypeBase+"key-reused", p.Type, name)
		}
	})
	t.Run("a 500 that is not retryable is repeated by the default policy", func(t *testing.T) {
		s, _, err := sent(t, nil, misconfigured, "1250")
		require.ErrorContains(t, err, "giving up after 5 attempt(s)")
		assert.Equal(t, []int{500, 500, 500, 500, 500}, s.statuses())
	})
	t.Run("and not by one that follows problems", func(t *testing.T) {
		s, res, err := sent(t, followRetryable, misconfigured, "1250")
		require.NoError(t, err)
		assert.Equal(t, http.StatusInternalServerError, res.StatusCode)
		assert.Equal(t, []int{500}, s.statuses())
	})
	t.Run("a 500 of the handler is repeated, and the handler does not run again", func(t *testing.T) {
		s, _, err := sent(t, followRetryable, nothingElse, "0")
		require.ErrorContains(t, err, "giving up after 5 attempt(s)")
		assert.Equal(t, []int{500, 500, 500, 500, 500}, s.statuses())
		assert.EqualValues(t, 1, s.runs.Load())
	})
}
