package middleware_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/middleware"
)

// TestTheServerRemovesTheFilesOfAForm: of the request that it has made, which is
// not the one that the handler reads the form of.
func TestTheServerRemovesTheFilesOfAForm(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		fields map[string]string
	}{
		"keyed":       {http.MethodPost, map[string]string{"Idempotency-Key": `"1"`}},
		"conditional": {http.MethodPut, map[string]string{"If-Match": "*"}},
		"a read":      {http.MethodGet, map[string]string{"If-Match": "*"}},
		"neither":     {http.MethodPost, nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("TMPDIR", dir)
			stack, err := concord.New(concord.Config{
				Principal: concord.DangerouslyShared,
				ETag:      etag.Config{Current: func(*http.Request) (etag.State, error) { return etag.State{Exists: true}, nil }},
			})
			require.NoError(t, err)
			handler := stack.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				assert.NoError(t, r.ParseMultipartForm(1))
				assert.Len(t, filesIn(t, dir), 1, "what is to be removed")
			}))
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				handler.ServeHTTP(w, r)
				assert.Equal(t, "one", r.PostFormValue("title"), "for what is outside")
			}))
			form, contentType := formWithAFile(t)
			r, err := http.NewRequestWithContext(t.Context(), c.method, s.URL, form)
			require.NoError(t, err)
			r.Header.Set("Content-Type", contentType)
			for name, value := range c.fields {
				r.Header.Set(name, value)
			}
			res, err := s.Client().Do(r)
			require.NoError(t, err)
			assert.Equal(t, http.StatusOK, res.StatusCode)
			assert.NoError(t, res.Body.Close())
			s.Close() // and no request runs any more
			assert.Empty(t, filesIn(t, dir))
		})
	}
}

func filesIn(t *testing.T, dir string) []os.DirEntry {
	t.Helper()
	files, err := os.ReadDir(dir)
	assert.NoError(t, err)
	return files
}

// formWithAFile has a file that does not fit into the memory that a reader allows,
// and what it allows besides.
func formWithAFile(t *testing.T) (body *bytes.Buffer, contentType string) {
	t.Helper()
	body = new(bytes.Buffer)
	form := multipart.NewWriter(body)
	require.NoError(t, form.WriteField("title", "one"))
	file, err := form.CreateFormFile("file", "a")
	require.NoError(t, err)
	_, err = file.Write(make([]byte, 64<<10))
	require.NoError(t, err)
	require.NoError(t, form.Close())
	return body, form.FormDataContentType()
}

func TestGiveBackKeepsWhatTheRequestHas(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/?a=outside", http.NoBody)
	require.NoError(t, r.ParseForm())
	inner := r.Clone(r.Context())
	inner.Form.Set("a", "inside")
	inner.Pattern = "POST /"
	middleware.GiveBack(r, inner)
	assert.Equal(t, "outside", r.Form.Get("a"))
	assert.Equal(t, "POST /", r.Pattern)
}
