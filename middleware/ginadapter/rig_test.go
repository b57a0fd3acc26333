package ginadapter_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/ginadapter"
)

// newEngine returns a quiet engine, and its layers for a group.
func newEngine(t *testing.T, c concord.Config) (*gin.Engine, gin.HandlerFunc) {
	t.Helper()
	gin.SetMode(gin.TestMode)
	if c.Principal == nil {
		c.Principal = concord.DangerouslyShared
	}
	stack, err := concord.New(c)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, stack.Close(t.Context())) })
	engine := gin.New()
	return engine, ginadapter.Wrap(engine, stack.Handler)
}

func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// exchange sends a request over a connection and reads the answer to its end.
func exchange(t *testing.T, s *httptest.Server, method, target, body string, fields ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+target, strings.NewReader(body))
	require.NoError(t, err)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	res, err := s.Client().Do(r)
	require.NoError(t, err)
	content, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return res, string(content)
}

// seen is a middleware that notes the answer that it sees, as a layer does: what
// there is when the handler returns.
type seen struct {
	status int
	body   string
}

func (s *seen) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec, _ := middleware.Record(w)
		rec.Enter(held{}, 1<<20)
		next.ServeHTTP(rec, r)
		rec.Leave()
		s.status, s.body = rec.Status(), string(rec.Bytes())
		rec.Finish()
	})
}

type held struct{}

func (held) Decide(*middleware.Recorder, middleware.Decision) middleware.Decision {
	return middleware.Buffer
}
