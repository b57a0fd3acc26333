package idempotency_test

import (
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/problem"
)

// clientOf is a client of s that retries without waiting long.
func clientOf(s wire) (*http.Client, *idempotency.Transport) {
	tr := &idempotency.Transport{Base: s.Client().Transport, Backoff: time.Millisecond, MaxBackoff: time.Millisecond}
	return &http.Client{Transport: tr}, tr
}

func charge(ctx context.Context, t *testing.T, c *http.Client, url, body string) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader([]byte(body)))
	require.NoError(t, err)
	return c.Do(r)
}

// TestLostAnswerIsFoundAgain: the server did the work, and the connection broke
// before the client heard of it.
func TestLostAnswerIsFoundAgain(t *testing.T) {
	pay := &till{}
	inner := newLayer(t, idempotency.Config{}).Handler(pay)
	var requests atomic.Int64
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) < 3 {
			inner.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		inner.ServeHTTP(w, r)
	}))
	c, _ := clientOf(s)
	res, err := charge(t.Context(), t, c, s.URL+"/payments", "EUR 5")
	require.NoError(t, err)
	assert.JSONEq(t, `{"charge":1}`, text(t, res))
	assert.Equal(t, "true", res.Header.Get("Idempotency-Replayed"))
	assert.EqualValues(t, 1, pay.runs.Load())
	assert.EqualValues(t, 3, requests.Load())
}

// TestUnansweredOperationIsAskedForAgain with the key of the error, by a program
// that has given up before.
func TestUnansweredOperationIsAskedForAgain(t *testing.T) {
	pay := &till{}
	inner := newLayer(t, idempotency.Config{}).Handler(pay)
	var down atomic.Bool
	down.Store(true)
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			inner.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		inner.ServeHTTP(w, r)
	}))
	c, _ := clientOf(s)
	_, err := charge(t.Context(), t, c, s.URL+"/payments", "EUR 5")
	var unanswered *idempotency.UnansweredError
	require.ErrorAs(t, err, &unanswered)

	down.Store(false)
	res, err := charge(idempotency.WithKey(t.Context(), unanswered.Key), t, c, s.URL+"/payments", "EUR 5")
	require.NoError(t, err)
	assert.JSONEq(t, `{"charge":1}`, text(t, res))

	_, err = charge(idempotency.WithKey(t.Context(), unanswered.Key), t, c, s.URL+"/payments", "EUR 500")
	var p *problem.Problem
	require.ErrorAs(t, err, &p, "another operation under the key of this one")
	assert.Equal(t, problem.KindKeyReused, p.Kind)
	assert.EqualValues(t, 1, pay.runs.Load())
}

// TestManyClientsOneOperation: a crowd with one key, of whom all learn of the one
// charge, some after they were told that it is in flight.
func TestManyClientsOneOperation(t *testing.T) {
	pay := &till{}
	s := serve(t, newLayer(t, idempotency.Config{}).Handler(pay))
	c, tr := clientOf(s)
	tr.Attempts, tr.Burst = 20, 1000
	ctx := idempotency.WithKey(t.Context(), "order 7")
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			res, err := charge(ctx, t, c, s.URL+"/payments", "EUR 5")
			if assert.NoError(t, err) {
				assert.JSONEq(t, `{"charge":1}`, text(t, res))
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, 1, pay.runs.Load())
}

func TestOneKeyOverRedirects(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	note := func(h http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			mu.Lock()
			seen = append(seen, r.Method+" "+r.URL.Path+" "+string(body)+" "+r.Header.Get("Idempotency-Key"))
			mu.Unlock()
			h(w, r)
		}
	}
	other := serve(t, note(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			http.Redirect(w, r, "/receipt", http.StatusSeeOther)
		}
	}))
	mux := http.NewServeMux()
	mux.HandleFunc("/a", note(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/b", http.StatusTemporaryRedirect)
	}))
	mux.HandleFunc("/b", note(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/c", http.StatusPermanentRedirect)
	}))
	s := serve(t, mux)
	for name, ctx := range map[string]context.Context{
		"random": t.Context(), "of the context": idempotency.WithKey(t.Context(), "k"),
	} {
		seen = nil
		c, _ := clientOf(s)
		res, err := charge(ctx, t, c, s.URL+"/a", "x")
		require.NoError(t, err, name)
		_ = res.Body.Close()
		require.Len(t, seen, 4, name)
		key := seen[0][len("POST /a x "):]
		assert.NotEmpty(t, key)
		assert.Equal(t, []string{"POST /a x " + key, "POST /b x " + key, "POST /c x " + key, "GET /receipt  "}, seen, name)
	}
}

// TestARedirectInsideOfTheLayerUsesUpNoKey: a ServeMux redirects to the path with
// a slash at its end.
func TestARedirectInsideOfTheLayerUsesUpNoKey(t *testing.T) {
	pay := &till{}
	mux := http.NewServeMux()
	mux.Handle("/payments/", pay)
	s := serve(t, newLayer(t, idempotency.Config{}).Handler(mux))
	c, _ := clientOf(s)
	ctx := idempotency.WithKey(t.Context(), "order 7")
	res, err := charge(ctx, t, c, s.URL+"/payments", "x")
	require.NoError(t, err)
	assert.JSONEq(t, `{"charge":1}`, text(t, res))
	res, err = charge(ctx, t, c, res.Request.URL.String(), "x")
	require.NoError(t, err)
	assert.Equal(t, "true", res.Header.Get("Idempotency-Replayed"))
	assert.EqualValues(t, 1, pay.runs.Load())

	_, err = charge(ctx, t, c, s.URL+"/payments", "x")
	var refused *idempotency.RefusedError
	require.ErrorAs(t, err, &refused, "another address is another request: what the comment of Transport warns of")
	assert.Equal(t, problem.KindKeyReused, refused.Problem.Kind)
}

// TestRetriesUseTheConnectionAgain: answers that are not the caller's are read to
// their end.
func TestRetriesUseTheConnectionAgain(t *testing.T) {
	var connections, requests atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if requests.Add(1) < 4 {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write(bytes.Repeat([]byte("down "), 10_000))
		}
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	c, _ := clientOf(wire{server})
	res, err := charge(t.Context(), t, c, server.URL, "x")
	require.NoError(t, err)
	_ = res.Body.Close()
	assert.Equal(t, 200, res.StatusCode)
	assert.EqualValues(t, 4, requests.Load())
	assert.EqualValues(t, 1, connections.Load())
}

func TestCertificatesAreNotTriedAgain(t *testing.T) {
	var hands atomic.Int64
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	base := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		hands.Add(1)
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}}
	defer base.CloseIdleConnections()
	c := &http.Client{Transport: &idempotency.Transport{Base: base, Backoff: time.Millisecond}}
	_, err := charge(t.Context(), t, c, server.URL, "x")
	var unanswered *idempotency.UnansweredError
	require.ErrorAs(t, err, &unanswered)
	assert.Equal(t, 1, unanswered.Attempts)
	assert.EqualValues(t, 1, hands.Load())
}
