package etag_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/etag"
)

// tally is a resource to update.
type tally struct {
	N int `json:"n"`
}

func increment(c *tally) error {
	c.N++
	return nil
}

var errCut = errors.New("connection reset")

// shelf is one JSON document behind a layer, as a RoundTripper: no listener, so
// that it can be in a bubble.
type shelf struct {
	t       *testing.T
	handler http.Handler
	between func(n int, r *http.Request) // before each request, counted from 1
	lose    func(n int, r *http.Request) bool
	answer  func(n int, r *http.Request) *http.Response // instead of the handler's, if not nil

	contentType string // "": application/json

	mu     sync.Mutex
	doc    string // "": there is none
	writes int    // that the handler made
	log    []string
	fields []http.Header
}

func newShelf(t *testing.T, doc string, c etag.Config) *shelf {
	t.Helper()
	s := &shelf{t: t, doc: doc}
	layer, err := etag.New(c)
	require.NoError(t, err)
	s.handler = layer.Handler(http.HandlerFunc(s.serve))
	return s
}

func (s *shelf) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.Method {
	case http.MethodGet:
		if s.doc == "" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", cmp.Or(s.contentType, "application/json"))
		_, _ = io.WriteString(w, s.doc)
	default:
		body, _ := io.ReadAll(r.Body)
		s.writes++
		if s.doc == "" {
			w.WriteHeader(http.StatusCreated)
		}
		if r.Header.Get("Content-Type") == "application/merge-patch+json" {
			s.doc = patched(s.t, s.doc, body)
			return
		}
		s.doc = string(body)
	}
}

// patched applies a merge patch whose members are no objects.
func patched(t *testing.T, doc string, patch []byte) string {
	t.Helper()
	members, changes := map[string]any{}, map[string]any{}
	require.NoError(t, json.Unmarshal([]byte(doc), &members))
	require.NoError(t, json.Unmarshal(patch, &changes))
	for name, v := range changes {
		if members[name] = v; v == nil {
			delete(members, name)
		}
	}
	b, err := json.Marshal(members)
	require.NoError(t, err)
	return string(b)
}

func (s *shelf) put(doc string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doc = doc
}

func (s *shelf) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.log = append(s.log, r.Method)
	s.fields = append(s.fields, r.Header.Clone())
	n := len(s.log)
	s.mu.Unlock()
	if s.between != nil {
		s.between(n, r)
	}
	if s.answer != nil {
		if res := s.answer(n, r); res != nil {
			res.Request = r
			return res, nil
		}
	}
	w := httptest.NewRecorder()
	inner := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), r.Body)
	inner.Header = r.Header.Clone()
	s.handler.ServeHTTP(w, inner)
	if s.lose != nil && s.lose(n, r) {
		return nil, errCut
	}
	res := w.Result()
	res.Request = r
	return res, nil
}

func (s *shelf) client() *etag.Client {
	return &etag.Client{HTTP: &http.Client{Transport: s}}
}

// methods are those of the requests, in order.
func (s *shelf) methods() string { return strings.Join(s.log, " ") }

const where = "http://api.example/counter"

// reply is an answer that no layer has made.
func reply(status int, body string, fields ...string) *http.Response {
	res := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1}
	for i := 0; i+1 < len(fields); i += 2 {
		res.Header.Add(fields[i], fields[i+1])
	}
	return res
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}
