package problem

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// peek returns the body of res, of up to limit bytes, and puts it back. An error
// that reading it met is put back too.
func peek(res *http.Response, limit int64) ([]byte, error) {
	if res.Body == nil { // of a RoundTripper that was made for a test
		res.Body = http.NoBody
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	rest := io.Reader(res.Body)
	if err != nil {
		rest = failed{err}
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), rest), res.Body}
	if err == nil && int64(len(body)) > limit {
		err = fmt.Errorf("it is longer than %d bytes", limit)
	}
	return body, err
}

// failed fails as a body did that was read before.
type failed struct{ err error }

// Read implements [io.Reader].
func (f failed) Read([]byte) (int, error) { return 0, f.err }
