package retry

import (
	"io"
	"net/http"
)

// MaxDiscard is how much of an answer that is not going to be used is read, in
// bytes, so that its connection can be used again. To open another one costs less
// than to read more.
const MaxDiscard = 64 << 10

// Discard reads what is left of an answer, up to [MaxDiscard], and closes it. One
// that says it is longer is closed at once.
func Discard(res *http.Response) {
	if res.Body == nil { // of a RoundTripper that was made for a test
		return
	}
	if res.ContentLength <= MaxDiscard {
		_, _ = io.CopyN(io.Discard, res.Body, MaxDiscard+1) // what fails here fails for nobody
	}
	_ = res.Body.Close()
}
