package retry

import (
	"io"
	"net/http"
	"time"
)

// MaxDiscard is how much of an answer that is not going to be used is read, in
// bytes, so that its connection can be used again. To open another one costs less
// than to read more.
const MaxDiscard = 64 << 10

// DiscardTime is how long that may take: what nobody wants is not waited for.
const DiscardTime = time.Second

// Discard reads what is left of an answer, up to [MaxDiscard] and for [DiscardTime],
// and closes it. One that says it is longer is closed at once.
func Discard(res *http.Response) {
	if res.Body == nil { // of a RoundTripper that was made for a test
		return
	}
	if res.ContentLength <= MaxDiscard {
		stalls := time.AfterFunc(DiscardTime, func() { _ = res.Body.Close() })
		defer stalls.Stop()
		_, _ = io.CopyN(io.Discard, res.Body, MaxDiscard+1) // what fails here fails for nobody
	}
	_ = res.Body.Close()
}
