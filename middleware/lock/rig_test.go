package lock_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/lock"
	"github.com/concordhttp/concord/middleware/problem"
)

// Time in these tests is that of a synctest bubble: an hour costs nothing.

// user is the principal of the tests: the one that the request names.
func user(r *http.Request) (string, error) {
	if name := r.Header.Get("X-User"); name != "" {
		return name, nil
	}
	return "", middleware.ErrPrincipalUnknown
}

// layer is New for a configuration that must be right, with user as Principal
// unless there is one.
func layer(tb testing.TB, c lock.Config) *lock.Layer {
	tb.Helper()
	if c.Principal == nil {
		c.Principal = user
	}
	l, err := lock.New(c)
	require.NoError(tb, err)
	return l
}

func protect(tb testing.TB, c lock.Config, h http.Handler) http.Handler {
	tb.Helper()
	return layer(tb, c).Handler(h)
}

// documents is a server that knows nothing of locks: it counts how often each
// method got through, and how many were inside at once.
type documents struct {
	mu        sync.Mutex
	got       []string
	now, most atomic.Int64
	takes     time.Duration // a request may override it with X-Takes
}

func (d *documents) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		_, _ = io.WriteString(w, "text")
		return
	}
	now := d.now.Add(1)
	for most := d.most.Load(); most < now && !d.most.CompareAndSwap(most, now); most = d.most.Load() {
	}
	defer d.now.Add(-1)
	body, _ := io.ReadAll(r.Body)
	takes := d.takes
	if t, err := time.ParseDuration(r.Header.Get("X-Takes")); err == nil {
		takes = t
	}
	if takes > 0 {
		time.Sleep(takes)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.got = append(d.got, r.Method+" "+r.URL.Path+" "+string(body))
	w.WriteHeader(http.StatusAccepted) // unlike anything that the layer answers
}

func (d *documents) writes() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.got...)
}

// do sends one request of a user to h; fields come in pairs, one for each line.
func do(h http.Handler, who, method, target, body string, fields ...string) *httptest.ResponseRecorder {
	return doIn(context.Background(), h, who, method, target, body, fields...)
}

func doIn(ctx context.Context, h http.Handler, who, method, target, body string, fields ...string) *httptest.ResponseRecorder {
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	r := httptest.NewRequestWithContext(ctx, method, "http://api.example"+target, content)
	if who != "" {
		r.Header.Set("X-User", who)
	}
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// take locks a resource, and returns the Lock-Token field of the answer.
func take(t *testing.T, h http.Handler, who, target string, fields ...string) string {
	t.Helper()
	w := do(h, who, "LOCK", target, "", fields...)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	token := w.Header().Get("Lock-Token")
	require.Regexp(t, `^<urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}>$`, token)
	return token
}

// granted is the JSON of the answer to LOCK.
type granted struct {
	Token, Holder string
	Expires       time.Time
}

func grantedBy(t *testing.T, w *httptest.ResponseRecorder) (g granted) {
	t.Helper()
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &g))
	return g
}

// wantProblem asserts a problem on the wire, and returns its members.
func wantProblem(t *testing.T, w *httptest.ResponseRecorder, status int, kind problem.Kind) map[string]any {
	t.Helper()
	require.Equal(t, status, w.Code, w.Body)
	assert.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
	members := map[string]any{}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &members))
	assert.Equal(t, problem.DefaultTypeBase+string(kind), members["type"])
	return members
}

// observed collects events.
type observed struct {
	mu     sync.Mutex
	events []middleware.Event
}

func (o *observed) Observe(_ context.Context, e middleware.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.events = append(o.events, e)
}

func (o *observed) all() []middleware.Event {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]middleware.Event(nil), o.events...)
}
