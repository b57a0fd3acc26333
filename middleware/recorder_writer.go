package middleware

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
)

var (
	_ http.Flusher    = (*Recorder)(nil)
	_ http.Hijacker   = (*Recorder)(nil)
	_ http.Pusher     = (*Recorder)(nil)
	_ io.ReaderFrom   = (*Recorder)(nil)
	_ io.StringWriter = (*Recorder)(nil)
)

// Header is the handler's view of its fields. Once they are settled but held
// back, it is a copy, so that changes that come too late have no effect, as in
// net/http; undeclared trailers ([http.TrailerPrefix]) in it are sent.
func (rec *Recorder) Header() http.Header {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	a := &rec.a
	switch {
	case a.closed:
		return make(http.Header) // for a goroutine that was left behind: the fields are no longer its own
	case a.phase != buffering:
		return rec.w.Header()
	case a.late == nil:
		a.late = rec.w.Header().Clone()
	}
	return a.late
}

// WriteHeader settles the answer. Informational statuses go out at once; a
// second final one is ignored. It panics where net/http does, and not when the
// answer is sent: on a status that is none.
func (rec *Recorder) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %v", status))
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	informational := status <= 199 && status != http.StatusSwitchingProtocols
	switch a := &rec.a; {
	case a.closed || informational && a.phase != fresh:
	case informational:
		rec.w.WriteHeader(status)
	case a.phase == fresh:
		a.settle(rec, status)
	case a.phase.sent():
		rec.w.WriteHeader(status) // for the server's own complaint about a superfluous call
	}
}

// Write is as in [http.ResponseWriter]. Bytes that are swallowed count as
// written.
func (rec *Recorder) Write(p []byte) (int, error) {
	n, to, err := accept(rec, p)
	if to == nil {
		return n, err
	}
	n, err = to.Write(p)
	return rec.written(n, len(p), err)
}

// WriteString is Write for a string.
func (rec *Recorder) WriteString(s string) (int, error) {
	n, to, err := accept(rec, s)
	if to == nil {
		return n, err
	}
	n, err = io.WriteString(to, s)
	return rec.written(n, len(s), err)
}

// written is how a write to the client ended, as the handler sees it.
func (rec *Recorder) written(n, all int, err error) (int, error) {
	if err != nil && rec.a.masked(err) == nil {
		return all, nil
	}
	return n, err
}

// accept takes p into the buffer, or returns the writer that it must go to.
// That write is made without the lock, as slow as the client may be.
func accept[T []byte | string](rec *Recorder, p T) (n int, to http.ResponseWriter, err error) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	a := &rec.a
	if a.closed {
		return 0, nil, http.ErrHandlerTimeout
	}
	if a.phase == fresh {
		a.settle(rec, http.StatusOK)
	}
	if a.forbids(len(p)) {
		return 0, nil, http.ErrBodyNotAllowed
	}
	if a.exceeds(len(p)) {
		return 0, nil, http.ErrContentLength
	}
	if a.phase == buffering && !a.swallow {
		if a.buf == nil {
			a.buf = takeBuffer()
		}
		if int64(len(a.buf.b))+int64(len(p)) <= a.limit {
			a.buf.b = append(a.buf.b, p...)
			return len(p), nil, nil
		}
		if a.firm {
			a.overrun, a.swallow = true, true
			a.dropBuffer()
		} else if err := a.stream(rec.w); err != nil {
			return 0, nil, err
		}
	}
	switch {
	case a.firm && a.overrun:
		return 0, nil, ErrTooLarge
	case a.swallow:
		if a.written > a.limit {
			a.tellStream()
		}
		return len(p), nil, nil
	}
	if a.retains(len(p)) {
		if a.buf == nil {
			a.buf = takeBuffer()
		}
		a.buf.b = append(a.buf.b, p...)
	}
	return 0, rec.w, nil
}

// Flush is FlushError without the error.
func (rec *Recorder) Flush() { _ = rec.FlushError() }

// FlushError sends what was written so far, with the status that the handler
// set. From there on nothing is held back, unless it is swallowed.
func (rec *Recorder) FlushError() error {
	if !canFlush(rec.w) {
		return http.ErrNotSupported // before anything is settled: the handler may answer otherwise
	}
	passed, err := rec.flushHeld()
	if err != nil || !passed {
		return err
	}
	return rec.a.masked(http.NewResponseController(rec.w).Flush())
}

// flushHeld sends what is held back, and reports whether the answer is passed
// on from here.
func (rec *Recorder) flushHeld() (passed bool, err error) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	a := &rec.a
	if a.closed {
		return false, http.ErrHandlerTimeout
	}
	if a.phase == fresh {
		a.settle(rec, http.StatusOK)
	}
	if a.phase == buffering && !a.swallow && !a.firm {
		err = a.stream(rec.w)
	}
	return a.phase.sent(), err
}

// canFlush is what [http.ResponseController.Flush] looks for.
func canFlush(w http.ResponseWriter) bool {
	for range maxUnwrap {
		switch f := w.(type) {
		case interface{ FlushError() error }, http.Flusher:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = f.Unwrap()
		default:
			return false
		}
	}
	return false
}

// Hijack hands the connection to the handler. Nothing that was held back is
// sent.
func (rec *Recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	a := &rec.a
	switch {
	case a.closed:
		return nil, nil, http.ErrHandlerTimeout
	case a.firm:
		return nil, nil, http.ErrNotSupported
	}
	conn, rw, err := http.NewResponseController(rec.w).Hijack()
	if err == nil {
		a.phase = hijacked
		a.dropBuffer()
	}
	return conn, rw, err
}

// Push is HTTP/2 server push, where the server has it, and else
// [http.ErrNotSupported].
func (rec *Recorder) Push(target string, opts *http.PushOptions) error {
	if p, ok := rec.w.(http.Pusher); ok {
		return p.Push(target, opts)
	}
	return http.ErrNotSupported
}

// Unwrap gives [http.ResponseController] what the Recorder does not know.
func (rec *Recorder) Unwrap() http.ResponseWriter { return rec.w }

// ReadFrom copies src into the answer. From where the answer is passed on, the
// server's own ReadFrom does it, with sendfile if it can.
func (rec *Recorder) ReadFrom(src io.Reader) (int64, error) {
	chunk := chunks.Get().(*[32 << 10]byte)
	defer chunks.Put(chunk)
	var total int64
	for !rec.passesOn() {
		n, readErr := src.Read(chunk[:])
		if n > 0 {
			n, err := rec.Write(chunk[:n])
			total += int64(n)
			if err != nil {
				return total, err
			}
		}
		if readErr == io.EOF {
			return total, nil
		}
		if readErr != nil {
			return total, readErr
		}
	}
	n, err := io.Copy(rec.w, src)
	return total + n, err
}

// passesOn reports whether the Recorder has no more part in what is written.
func (rec *Recorder) passesOn() bool {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	a := &rec.a
	return !a.closed && a.phase.sent() && !a.swallow && a.retained == 0
}

// chunks are what ReadFrom reads into: not the buffer itself, since a read can
// block for as long as the source likes, and the lock cannot be held for that.
var chunks = sync.Pool{New: func() any { return new([32 << 10]byte) }}
