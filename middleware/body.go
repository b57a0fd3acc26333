package middleware

import (
	"io"
	"net/http"
	"sync"
)

// Body is the body of a request, read whole before the handler runs: so that a
// slow client holds nobody up, and so that layers can look at it. It is the
// request's Body then, and reads as the original would have.
type Body struct {
	mu   sync.Mutex // a goroutine that outlives the handler may still read
	buf  *buffer
	off  int
	err  error // what reading the original ended with, but io.EOF
	free bool
}

// ReadBody reads the body of r, at most limit bytes of it. More is an
// [*http.MaxBytesError], at once if Content-Length says so.
//
// A body that breaks off is not an error here: the handler reads what came, and
// then the error, and decides as it would have. A request without a body gives
// nil, on which every method works.
//
// If r.Body is a Body already, that is returned: the body is read once, and the
// layer that read it frees it. Every other Body is the caller's to Free.
func ReadBody(r *http.Request, limit int64) (*Body, error) {
	return ReadBodyIn(r, limit, nil)
}

// ReadBodyIn is ReadBody for a layer that has room for a Body in a struct of
// its own, which must be zero, and must not be used for another request.
func ReadBodyIn(r *http.Request, limit int64, room *Body) (*Body, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	if b, ok := r.Body.(*Body); ok && b.untouched() {
		if int64(len(b.Bytes())) > limit {
			return nil, &http.MaxBytesError{Limit: limit}
		}
		return b, nil
	}
	if r.ContentLength > limit {
		return nil, &http.MaxBytesError{Limit: limit}
	}
	b := room
	if b == nil {
		b = new(Body)
	}
	b.buf = takeBuffer()
	b.err = b.fill(r.Body, limit)
	if int64(len(b.buf.b)) > limit {
		b.Free()
		return nil, &http.MaxBytesError{Limit: limit}
	}
	return b, nil
}

// firstRead is where the buffer of a body starts, in bytes. It grows with what
// comes, never with what Content-Length promises.
const firstRead = 4 << 10

// fill reads up to one byte more than limit, which tells that there is more.
func (b *Body) fill(src io.Reader, limit int64) error {
	if cap(b.buf.b) == 0 {
		b.buf.b = make([]byte, 0, firstRead)
	}
	for {
		p := b.buf.b
		if len(p) == cap(p) {
			p = append(p, 0)[:len(p)]
		}
		room := cap(p)
		if int64(room) > limit {
			room = int(limit) + 1
		}
		n, err := src.Read(p[len(p):room])
		b.buf.b = p[:len(p)+n]
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case int64(len(b.buf.b)) > limit:
			return nil
		}
	}
}

// Bytes returns the whole body. It is valid until Free, and must not be
// written to.
func (b *Body) Bytes() []byte {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.free {
		return nil
	}
	return b.buf.b[:len(b.buf.b):len(b.buf.b)]
}

// Err returns the error that the body broke off with, or nil if it is whole.
func (b *Body) Err() error {
	if b == nil {
		return nil
	}
	return b.err
}

// Free gives the memory back. Whoever still reads gets
// [http.ErrBodyReadAfterClose].
func (b *Body) Free() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.free {
		b.free = true
		b.buf.giveBack()
		b.buf = nil
	}
}

func (b *Body) untouched() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.free && b.off == 0
}

// Read implements [io.Reader].
func (b *Body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.free {
		return 0, http.ErrBodyReadAfterClose
	}
	n := copy(p, b.buf.b[b.off:])
	b.off += n
	switch {
	case b.off < len(b.buf.b) || n > 0 && b.err == nil || len(p) == 0:
		return n, nil
	case b.err != nil:
		return n, b.err
	}
	return n, io.EOF
}

// Close implements [io.Closer]. The server closes the original.
func (b *Body) Close() error { return nil }
