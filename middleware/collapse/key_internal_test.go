package collapse

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Hashes that collide are no reason to share: everything is compared.
func TestCollidingHashesAreTold(t *testing.T) {
	l, err := New(Config{Principal: func(r *http.Request) (string, error) { return r.RemoteAddr, nil }})
	require.NoError(t, err)
	h, ok := l.Handler(http.NotFoundHandler()).(*handler)
	require.True(t, ok)
	other, ok := l.Handler(http.NotFoundHandler()).(*handler)
	require.True(t, ok)
	ask := func() *http.Request {
		r := httptest.NewRequest("GET", "http://api.example/a?b=c", nil)
		r.Header["X-A"] = []string{"1", "2"}
		r.Header["User-Agent"] = []string{"1"}
		return r
	}
	leader := h.keyOf(ask())
	same := ask()
	assert.True(t, leader.equals(h.keyOf(same), same.Header))
	assert.False(t, leader.equals(other.keyOf(same), same.Header), "another handler")
	for name, change := range map[string]func(*http.Request){
		"method":          func(r *http.Request) { r.Method = "HEAD" },
		"scheme":          func(r *http.Request) { r.TLS = &tls.ConnectionState{} },
		"host":            func(r *http.Request) { r.Host = "other.example" },
		"path":            func(r *http.Request) { r.URL.Path = "/b" },
		"query":           func(r *http.Request) { r.URL.RawQuery = "b=d" },
		"request target":  func(r *http.Request) { r.RequestURI = "/x/a?b=c" },
		"principal":       func(r *http.Request) { r.RemoteAddr = "other" },
		"one field more":  func(r *http.Request) { r.Header["X-B"] = []string{"1"} },
		"one field fewer": func(r *http.Request) { delete(r.Header, "X-A") },
		"one line more":   func(r *http.Request) { r.Header["X-A"] = []string{"1", "2", "3"} },
		"one line fewer":  func(r *http.Request) { r.Header["X-A"] = []string{"1"} },
		"another line":    func(r *http.Request) { r.Header["X-A"] = []string{"1", "3"} },
		"another name":    func(r *http.Request) { r.Header["X-B"] = r.Header["X-A"]; delete(r.Header, "X-A") },
		"a line moves":    func(r *http.Request) { r.Header["X-A"], r.Header["X-B"] = []string{"1"}, []string{"2"} },
	} {
		r := ask()
		change(r)
		assert.False(t, leader.equals(h.keyOf(r), r.Header), name)
	}

	enter := func(k *key) (*run, place) {
		run, place, _ := l.shards[leader.target%shards].enter(l, k, same, 0)
		return run, place
	}
	first, place := enter(leader)
	require.Equal(t, leads, place)
	collides := h.keyOf(same)
	collides.host, collides.hash, collides.summed = "other.example", leader.sum(l), true
	second, place := enter(collides)
	assert.Equal(t, leads, place, "a run of its own")
	joined, place := enter(collides)
	assert.Equal(t, follows, place, "which can be joined, or a client could keep others from sharing")
	assert.Equal(t, second, joined)
	assert.True(t, first.closed)
	second.close()
	assert.Zero(t, l.Runs())
}

func TestNobodyOutsideCanMakeHashesCollide(t *testing.T) {
	l, err := New(Config{})
	require.NoError(t, err)
	h, ok := l.Handler(http.NotFoundHandler()).(*handler)
	require.True(t, ok)
	hash := func(target string, fields ...string) uint64 {
		r := httptest.NewRequest("GET", target, nil)
		for i := 0; i < len(fields); i += 2 {
			r.Header[fields[i]] = append(r.Header[fields[i]], fields[i+1])
		}
		return h.keyOf(r).sum(l)
	}
	seen := make(map[uint64]bool)
	for _, fields := range [][]string{
		{"Accept", "x"}, {"Cookie", "x"}, {"Origin", "x"}, // names of one length
		{"X-Beginning-A-The-End-It-Is", "x"}, {"X-Beginning-B-The-End-It-Is", "x"}, // that begin and end alike
		{"A", "B"}, {"B", "A"},
		{"A", "B", "C", "D"}, {"A", "D", "C", "B"},
		{"A", "A"}, {"B", "B"},
	} {
		hash := hash("http://api.example/a", fields...)
		assert.False(t, seen[hash], "%v", fields)
		seen[hash] = true
	}
	assert.NotEqual(t, hash("http://api.example/a?/b"), hash("http://api.example/a?b"))
}
