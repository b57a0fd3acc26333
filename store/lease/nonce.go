package lease

import (
	"crypto/rand"
	"encoding/binary"
	"sync/atomic"
)

// nonce tells one acquisition from every other.
type nonce [16]byte

// nonces makes nonces of 8 random bytes, drawn once, and a counter, so that no
// lease has to ask the system for randomness.
type nonces struct {
	prefix  [8]byte
	counter *atomic.Uint64
}

func newNonces() nonces {
	n := nonces{counter: new(atomic.Uint64)}
	rand.Read(n.prefix[:]) // never fails: crypto/rand ends the process rather
	return n
}

func (n nonces) next() (made nonce) {
	copy(made[:], n.prefix[:])
	binary.BigEndian.PutUint64(made[8:], n.counter.Add(1))
	return made
}
