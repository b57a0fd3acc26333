package problem

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
)

// tracker notes whether the handler has begun its answer, and passes on all
// that it does. It is not pooled: a handler that wrongly keeps its writer after
// it has returned must not find itself writing into another request's answer.
type tracker struct {
	http.ResponseWriter
	begun    bool // a status other than 1xx has been sent, or is bound to be
	hijacked bool
}

// Unwrap lets [http.ResponseController] reach what tracker does not offer.
func (t *tracker) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// WriteHeader begins the answer. Interim answers (1xx) come before it, but for
// 101, which is final (RFC 9110 section 15.2.2).
func (t *tracker) WriteHeader(status int) {
	if status >= http.StatusOK || status == http.StatusSwitchingProtocols {
		t.begun = true
	}
	t.ResponseWriter.WriteHeader(status)
}

// Write begins the answer, also with no bytes at all.
func (t *tracker) Write(b []byte) (int, error) {
	t.begun = true
	return t.ResponseWriter.Write(b)
}

// WriteString keeps the writer's own, which copies nothing.
func (t *tracker) WriteString(s string) (int, error) {
	t.begun = true
	return io.WriteString(t.ResponseWriter, s)
}

// ReadFrom writes the first bytes by itself: a source that fails before its
// first byte has begun no answer, and can still be answered with a problem.
// The rest goes to the writer's own ReadFrom, which may use sendfile.
func (t *tracker) ReadFrom(source io.Reader) (int64, error) {
	var first [512]byte
	for {
		n, readErr := source.Read(first[:])
		if n > 0 {
			written, err := t.Write(first[:n])
			if err == nil {
				err = readErr
			}
			if err != nil {
				return int64(written), ignoreEOF(err)
			}
			rest, err := io.Copy(t.ResponseWriter, source)
			return int64(written) + rest, err
		}
		if readErr != nil {
			return 0, ignoreEOF(readErr)
		}
	}
}

func ignoreEOF(err error) error {
	if err == io.EOF { //nolint:errorlint // the contract of io.Reader is this very value
		return nil
	}
	return err
}

// Flush is FlushError for those who do not look at errors.
func (t *tracker) Flush() { _ = t.FlushError() }

// FlushError begins the answer, unless the writer cannot flush.
func (t *tracker) FlushError() error {
	err := http.NewResponseController(t.ResponseWriter).Flush()
	t.begun = t.begun || !errors.Is(err, http.ErrNotSupported)
	return err
}

// Hijack hands the connection to the handler, and with it every duty to answer.
func (t *tracker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(t.ResponseWriter).Hijack()
	t.hijacked = t.hijacked || err == nil
	return conn, rw, err
}

// Push is HTTP/2's server push, where the writer has it.
func (t *tracker) Push(target string, opts *http.PushOptions) error {
	if p, ok := t.ResponseWriter.(http.Pusher); ok {
		return p.Push(target, opts)
	}
	return http.ErrNotSupported
}
