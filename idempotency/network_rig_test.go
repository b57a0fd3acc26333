package idempotency_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// wire is a handler behind real connections.
type wire struct{ *httptest.Server }

func serve(t *testing.T, h http.Handler) wire {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	return wire{s}
}

// request makes a POST that can be sent to s.
func (s wire) request(t *testing.T, key, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/payments", strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", key)
	return r
}

// post sends a POST and returns the answer, read whole.
func (s wire) post(t *testing.T, key, body string) (*http.Response, string) {
	t.Helper()
	res, err := s.Client().Do(s.request(t, key, body))
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res, string(text)
}
