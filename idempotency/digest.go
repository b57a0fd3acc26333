package idempotency

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"
)

// digest is a SHA-256 of a sequence of parts, each behind its length, so that
// no two sequences make the same bytes. Short parts are gathered, since each
// write to a hash has its price; long ones go to the hash from where they are.
type digest struct {
	hash   hash.Hash
	n      int // bytes gathered
	gather [512]byte
}

var digests = sync.Pool{New: func() any { return &digest{hash: sha256.New()} }}

func takeDigest() *digest { return digests.Get().(*digest) }

// sum ends the digest, which is not to be used any more.
func (d *digest) sum() (f fingerprint) {
	d.flush()
	d.hash.Sum(d.gather[:0])
	copy(f[:], d.gather[:])
	d.hash.Reset()
	digests.Put(d)
	return f
}

func (d *digest) flush() {
	d.hash.Write(d.gather[:d.n])
	d.n = 0
}

// reserve makes room for n bytes, far fewer than can be gathered.
func (d *digest) reserve(n int) {
	if len(d.gather)-d.n < n {
		d.flush()
	}
}

func (d *digest) addByte(b byte) {
	d.reserve(1)
	d.gather[d.n] = b
	d.n++
}

func (d *digest) addLength(n int) {
	if n < 0x80 && d.n < len(d.gather) { // nearly all are so short
		d.gather[d.n] = byte(n)
		d.n++
		return
	}
	d.reserve(binary.MaxVarintLen64)
	d.n += binary.PutUvarint(d.gather[d.n:], uint64(n))
}

func (d *digest) addText(s string) {
	d.addLength(len(s))
	for {
		n := copy(d.gather[d.n:], s)
		d.n += n
		if s = s[n:]; s == "" {
			return
		}
		d.flush()
	}
}

// addLower adds a text in ASCII lower case, in which it usually is.
func (d *digest) addLower(s string) {
	if !hasUpper(s) {
		d.addText(s)
		return
	}
	d.addLength(len(s))
	for _, c := range []byte(s) {
		if isUpper(c) {
			c |= 0x20
		}
		d.addByte(c)
	}
}

func hasUpper(s string) bool {
	for i := range len(s) {
		if isUpper(s[i]) {
			return true
		}
	}
	return false
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }

func (d *digest) addBytes(p []byte) {
	d.addLength(len(p))
	if len(p) <= len(d.gather)-d.n {
		d.n += copy(d.gather[d.n:], p)
		return
	}
	d.flush()
	d.hash.Write(p)
}
