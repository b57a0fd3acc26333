package idempotency_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/problem"
)

// script is a server as a Transport sees it: turn n of the requests is answered by
// the nth step, the rest by the last.
type script struct {
	steps []turn

	mu     sync.Mutex
	keys   []string // that were sent, in the field's own form
	bodies []string
	left   []*leftBody // what the answers had as bodies
}

// turn answers one request, or fails.
type turn func(*http.Request) (*http.Response, error)

func scripted(steps ...turn) *script { return &script{steps: steps} }

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	n := len(s.keys)
	s.keys = append(s.keys, strings.Join(r.Header["Idempotency-Key"], " AND "))
	body := ""
	if r.Body != nil {
		b, _ := io.ReadAll(r.Body)
		_ = r.Body.Close()
		body = string(b)
	}
	s.bodies = append(s.bodies, body)
	s.mu.Unlock()
	res, err := s.steps[min(n, len(s.steps)-1)](r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	left := &leftBody{Reader: res.Body}
	s.left = append(s.left, left)
	res.Body = left
	return res, nil
}

func (s *script) sent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.keys)
}

// leftBody is a body that knows whether it was closed.
type leftBody struct {
	io.Reader
	closed bool
}

func (b *leftBody) Close() error {
	b.closed = true
	return nil
}

// fails is a turn without an answer.
func fails(err error) turn {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// says is a turn that answers with a text.
func says(status int, body string, fields ...string) turn {
	return func(*http.Request) (*http.Response, error) {
		res := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
		for i := 0; i+1 < len(fields); i += 2 {
			res.Header.Set(fields[i], fields[i+1])
		}
		return res, nil
	}
}

// refuses is a turn that answers with a problem.
func refuses(p *problem.Problem) turn {
	return func(*http.Request) (*http.Response, error) { return recorded(problem.JSON, p), nil }
}

// call makes a POST of body.
func call(ctx context.Context, t *testing.T, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://api.example/payments", strings.NewReader(body))
	require.NoError(t, err)
	return r
}

// text reads an answer whole.
func text(t *testing.T, res *http.Response) string {
	t.Helper()
	defer res.Body.Close()
	var b bytes.Buffer
	_, err := b.ReadFrom(res.Body)
	require.NoError(t, err)
	return b.String()
}

func transport(base http.RoundTripper) *idempotency.Transport {
	return &idempotency.Transport{Base: base}
}
