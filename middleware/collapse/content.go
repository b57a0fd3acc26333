package collapse

import (
	"io"
	"net/http"
)

// hasContent reports whether a request whose Content-Length is 0 has a body all
// the same. A server's has not, whatever its Body is: over HTTP/2 it is never
// http.NoBody, and others wrap it. To believe it costs nothing less than an
// answer to a question that was not asked, so the Body is asked for one byte.
// If there is one, it is put back.
func hasContent(r *http.Request) bool {
	if r.Body == nil || r.Body == http.NoBody {
		return false
	}
	var first [1]byte
	n, err := r.Body.Read(first[:])
	if n == 0 && err == io.EOF {
		return false
	}
	r.Body = &body{ReadCloser: r.Body, first: first[:n], err: err}
	return true
}

// body is a Body of which the first byte was read.
type body struct {
	io.ReadCloser
	first []byte
	err   error // what came with it
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	if len(b.first) > 0 {
		n := copy(p, b.first)
		b.first = b.first[n:]
		return n, nil
	}
	if err := b.err; err != nil {
		return 0, err
	}
	return b.ReadCloser.Read(p)
}
