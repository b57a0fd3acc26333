package middleware

import "net/http"

// replacement takes the answer that a layer gives instead of the handler's. It
// is not the handler's writer, which a goroutine left behind may still have.
type replacement struct {
	rec     *Recorder
	status  int
	refused bool // a layer wrote it
	body    *buffer
}

func (r *replacement) Header() http.Header { return r.rec.w.Header() }

func (r *replacement) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status = status
	}
}

func (r *replacement) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	r.body.b = append(r.body.b, p...)
	return len(p), nil
}

// Unwrap lets [Find] find the request's Exchange.
func (r *replacement) Unwrap() http.ResponseWriter { return r.rec }
