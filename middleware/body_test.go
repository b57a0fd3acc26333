package middleware_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware"
)

func request(body io.Reader) *http.Request { return httptest.NewRequest("PUT", "/", body) }

func TestReadBodyReadsAsTheOriginalWouldHave(t *testing.T) {
	for name, src := range map[string]io.Reader{
		"at once":           strings.NewReader("four score"),
		"byte by byte":      iotest.OneByteReader(strings.NewReader("four score")),
		"data with EOF":     iotest.DataErrReader(strings.NewReader("four score")),
		"half reads":        iotest.HalfReader(strings.NewReader("four score")),
		"an unknown length": io.MultiReader(strings.NewReader("four "), strings.NewReader("score")),
	} {
		b, err := middleware.ReadBody(request(src), 10)
		require.NoError(t, err, name)
		assert.Equal(t, "four score", string(b.Bytes()), name)
		require.NoError(t, iotest.TestReader(b, []byte("four score")), name)
		b.Free()
		_, err = b.Read(make([]byte, 1))
		assert.ErrorIs(t, err, http.ErrBodyReadAfterClose, "%s: nobody else's bytes after Free", name)
	}
}

func TestReadBodyRefusesMoreThanTheLimit(t *testing.T) {
	for name, r := range map[string]*http.Request{
		"declared":   request(strings.NewReader("12345")),
		"undeclared": request(io.MultiReader(strings.NewReader("12345"))),
		"endless":    request(endless{}),
	} {
		_, err := middleware.ReadBody(r, 4)
		tooLarge := (*http.MaxBytesError)(nil)
		require.ErrorAs(t, err, &tooLarge, name)
		assert.EqualValues(t, 4, tooLarge.Limit, name)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestReadBodyDoesNotTrustContentLength(t *testing.T) {
	r := request(strings.NewReader("x"))
	r.ContentLength = 1 << 40
	allocated := testing.AllocsPerRun(10, func() {
		_, _ = middleware.ReadBody(r, 1<<50)
	})
	assert.Less(t, allocated, 5.0)
	r = request(strings.NewReader("x"))
	r.ContentLength = 1 << 30
	b, err := middleware.ReadBody(r, 1<<31)
	require.NoError(t, err)
	assert.LessOrEqual(t, cap(b.Bytes()), 1<<20, "memory comes with bytes, not with promises")
}

func TestABodyThatBreaksOffReachesTheHandlerAsItIs(t *testing.T) {
	broken := errors.New("connection reset")
	b, err := middleware.ReadBody(request(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken))), 10)
	require.NoError(t, err)
	assert.Equal(t, broken, b.Err())
	got, err := io.ReadAll(b)
	assert.Equal(t, "half", string(got))
	assert.Equal(t, broken, err)
}

func TestABodyIsReadOnce(t *testing.T) {
	r := request(strings.NewReader("once"))
	outer, err := middleware.ReadBody(r, 10)
	require.NoError(t, err)
	r.Body = outer
	inner, err := middleware.ReadBody(r, 10)
	require.NoError(t, err)
	assert.Same(t, outer, inner)
	_, err = middleware.ReadBody(r, 3)
	assert.Error(t, err, "a smaller limit counts further in")

	_, err = io.ReadFull(r.Body, make([]byte, 2))
	require.NoError(t, err)
	rest, err := middleware.ReadBody(r, 10)
	require.NoError(t, err)
	assert.Equal(t, "ce", string(rest.Bytes()), "what was read in between is gone")
}

func TestNoBodyIsNil(t *testing.T) {
	for _, body := range []io.ReadCloser{nil, http.NoBody} {
		r := request(nil)
		r.Body = body
		b, err := middleware.ReadBody(r, 10)
		require.NoError(t, err)
		assert.Nil(t, b)
		assert.Empty(t, b.Bytes())
		assert.NoError(t, b.Err())
		b.Free()
	}
}
