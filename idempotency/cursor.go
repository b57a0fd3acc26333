package idempotency

import (
	"encoding/binary"
	"math/bits"
)

// cursor reads uvarints and what they are the length of. Once something was
// wrong it is bad and reads zeros, so that callers can look once at the end.
type cursor struct {
	b   []byte
	at  int
	bad bool
}

// count reads a number. It is never larger than the number of bytes that follow,
// since whatever is counted has one at least: nobody can be made to loop, or to
// allocate, for more than was sent.
func (c *cursor) count() int {
	if c.at < len(c.b) && c.b[c.at] < 0x80 && !c.bad { // nearly all are so short
		return c.bounded(uint64(c.b[c.at]), 1)
	}
	v, n := binary.Uvarint(c.b[c.at:])
	if n > 1 && c.b[c.at+n-1] == 0 {
		n = 0 // a shorter form means the same
	}
	return c.bounded(v, n)
}

// bounded takes the number v, which n bytes were.
func (c *cursor) bounded(v uint64, n int) int {
	if c.bad || n <= 0 || v > uint64(len(c.b)-c.at-n) {
		c.bad = true
		return 0
	}
	c.at += n
	return int(v)
}

// text reads a length and so many bytes, and returns where these stand.
func (c *cursor) text() (from, to int) {
	n := c.count()
	from = c.at
	c.at += n
	return from, c.at
}

// uvarintSize returns how long n is as a uvarint.
func uvarintSize(n int) int { return (bits.Len64(uint64(n)|1) + 6) / 7 }
