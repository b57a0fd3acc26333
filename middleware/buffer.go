package middleware

import "sync"

// maxPooled is the largest buffer, in bytes, that is kept for another request.
// One large answer must not hold its memory for the life of the server.
const maxPooled = 256 << 10

// buffer is a growing byte slice that is used for one request after another.
type buffer struct {
	b    []byte
	lent bool // others read b: it is not used again
}

var buffers = sync.Pool{New: func() any { return new(buffer) }}

func takeBuffer() *buffer { return buffers.Get().(*buffer) }

// giveBack must be called once, and b not touched afterwards.
func (b *buffer) giveBack() {
	if b.lent || cap(b.b) > maxPooled {
		return
	}
	b.b = b.b[:0]
	buffers.Put(b)
}
