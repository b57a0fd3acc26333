package ginadapter

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"

	"github.com/gin-gonic/gin"
)

// unwritten is the Size of an answer of which nothing was written.
const unwritten = -1

// writer is the [gin.ResponseWriter] of the chain inside the layers. As gin's
// own, it keeps the status until the first byte is written.
type writer struct {
	http.ResponseWriter // the layers'
	ctx                 context.Context
	push                bool // the connection can
	status              int
	size                int
	chosen              bool // the status was set
}

var _ gin.ResponseWriter = (*writer)(nil)

func newWriter(w http.ResponseWriter, r *http.Request, outer gin.ResponseWriter) *writer {
	return &writer{w, r.Context(), outer.Pusher() != nil, outer.Status(), unwritten, false}
}

// WriteHeader sets the status, once or again, until it is written.
func (w *writer) WriteHeader(status int) {
	if status > 0 && !w.Written() {
		w.status, w.chosen = status, true
	}
}

// WriteHeaderNow has the layers decide.
func (w *writer) WriteHeaderNow() {
	if !w.Written() {
		w.size = 0
		w.ResponseWriter.WriteHeader(w.status)
	}
}

// Write implements [http.ResponseWriter].
func (w *writer) Write(p []byte) (int, error) {
	w.WriteHeaderNow()
	n, err := w.ResponseWriter.Write(p)
	w.size += n
	return n, err
}

// WriteString implements [io.StringWriter].
func (w *writer) WriteString(s string) (int, error) {
	w.WriteHeaderNow()
	n, err := io.WriteString(w.ResponseWriter, s)
	w.size += n
	return n, err
}

// Status is the one that was set, or that gin had set outside.
func (w *writer) Status() int { return w.status }

// Size is how many bytes of the body were written, -1 if nothing was.
func (w *writer) Size() int { return w.size }

// Written reports whether the status can no longer be changed.
func (w *writer) Written() bool { return w.size != unwritten }

// Flush sends what was written so far.
func (w *writer) Flush() {
	w.WriteHeaderNow()
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

var errBodyWritten = errors.New("ginadapter: the body of the answer was begun")

// Hijack takes the connection, as long as no body was written.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.size > 0 {
		return nil, nil, errBodyWritten
	}
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.size = 0
	}
	return conn, rw, err
}

// CloseNotify tells when the request is over. The layers' context says when
// that is: an answer that others wait for, or that is recorded, outlives its
// client.
func (w *writer) CloseNotify() <-chan bool {
	gone := make(chan bool, 1)
	context.AfterFunc(w.ctx, func() { gone <- true })
	return gone
}

// Pusher is nil where the connection cannot.
func (w *writer) Pusher() http.Pusher {
	if p, ok := w.ResponseWriter.(http.Pusher); ok && w.push {
		return p
	}
	return nil
}

// Unwrap is for [http.ResponseController].
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
