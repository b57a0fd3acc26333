package idempotency

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/concordhttp/concord/store/lease"
)

// Sealer encrypts and authenticates what is stored of requests and answers.
// Whoever can read the store then learns no more of them than whether they run
// or how they ended, and how long the answers are; whoever can write into it
// cannot make up an answer, nor put one under another key. Records can still be
// removed, and old ones put back under their own key.
//
// The first Sealer of Config.Seal seals, all of them open. To change keys, let
// every server have the new one as its second first, then as its first; drop the
// old one once the TTL has passed since nobody seals with it any more. A record
// whose Sealer is missing is refused as corrupt, as is an unsealed one as soon
// as there is a Sealer, and a sealed one where there is none: to begin or to end
// sealing, change the Namespace with it, or wait until the TTL has passed
// without new requests.
type Sealer struct {
	// ID tells the Sealers of Config.Seal apart. It is stored with each record,
	// in clear; zero is an ID like any other. The ID of a key is never used for
	// another one as long as there are records with it.
	ID byte

	// AEAD does the work, and must be safe for concurrent use, as those of the
	// standard library are. Each sealing takes a nonce from crypto/rand, of
	// AEAD.NonceSize bytes, at least 12; an AEAD without a nonce must make its
	// own, as [cipher.NewGCMWithRandomNonce] does. With nonces of 12 bytes, as
	// of AES-GCM, change the key before it has sealed 2^32 times, which is once
	// for a claim and twice for an answer: a billion requests.
	AEAD cipher.AEAD
}

// Limits of an AEAD, in bytes.
const (
	minNonce = 12 // shorter ones, taken at random, come twice too soon
	minTag   = 12 // the shortest of crypto/cipher; less is not authenticated in earnest
	// maxSealing is what sealing may add to a note for the largest to fit.
	maxSealing = lease.MaxNote - notePrefix - textMax
)

// checkSealers returns every mistake in seal, each a *store.ConfigError.
func checkSealers(seal []Sealer) error {
	var m mistakes
	wrong := func(i int, field string, value any, reason string) {
		m.add(fmt.Sprintf("Seal[%d].%s", i, field), value, reason)
	}
	first := map[byte]int{}
	for i, s := range seal {
		if j, taken := first[s.ID]; taken {
			wrong(i, "ID", s.ID, fmt.Sprintf("is the ID of Seal[%d] too: records could not be told apart", j))
		} else {
			first[s.ID] = i
		}
		if reason := unfit(s.AEAD); reason != "" {
			wrong(i, "AEAD", nil, reason)
		}
	}
	return errors.Join(m...)
}

// unfit says why aead cannot seal records, or "".
func unfit(aead cipher.AEAD) string {
	if aead == nil {
		return "is required"
	}
	if isNilPointer(aead) {
		return "is a nil pointer"
	}
	nonce, overhead := aead.NonceSize(), aead.Overhead()
	switch {
	case nonce == 0 && overhead < minNonce+minTag:
		return fmt.Sprintf("takes no nonce, and its overhead of %d bytes has no room for one of its own", overhead)
	case nonce != 0 && nonce < minNonce:
		return fmt.Sprintf("has nonces of %d bytes, the minimum is %d: random ones would repeat too soon", nonce, minNonce)
	case overhead < minTag:
		return fmt.Sprintf("has an overhead of %d bytes, the minimum is %d: it does not authenticate", overhead, minTag)
	case nonce > maxSealing-overhead:
		return fmt.Sprintf("adds %d bytes of nonce and overhead, the maximum is %d", nonce+overhead, maxSealing)
	}
	return ""
}

// sealer returns the Sealer with that ID.
func (c *codec) sealer(id byte) (Sealer, error) {
	for _, s := range c.sealers {
		if s.ID == id {
			return s, nil
		}
	}
	return Sealer{}, corrupt("sealed with ID %d, of which there is no sealer", id)
}

// seal returns prefix, a nonce, and text sealed and bound to binding.
func (s Sealer) seal(prefix, text, binding []byte) []byte {
	size := len(prefix) + s.AEAD.NonceSize()
	b := make([]byte, size, size+len(text)+s.AEAD.Overhead())
	nonce := b[copy(b, prefix):]
	_, _ = rand.Read(nonce) // never fails: it ends the program instead
	return s.AEAD.Seal(b, nonce, text, binding)
}

// open returns the text that b, a nonce and the sealed text, was made of.
func (s Sealer) open(b, binding []byte) ([]byte, error) {
	size := s.AEAD.NonceSize()
	if len(b) < size {
		return nil, corrupt("sealed with a nonce of %d bytes, it should have %d", len(b), size)
	}
	text, err := s.AEAD.Open(nil, b[:size], b[size:], binding)
	if err != nil {
		return nil, corrupt("what sealer %d did not seal, or not for this place", s.ID)
	}
	return text, nil
}

// noteBinding is the associated data of a note: its key, and what of it is clear.
func noteBinding(key string, prefix []byte) []byte {
	return binding("concord idempotency v1: note", key, prefix)
}

// bodyBinding is the associated data of a body: its key, and the note that it
// was stored with, whose nonce makes it one of its kind, so that it passes
// under no other note of this key either.
func bodyBinding(key string, note []byte) []byte {
	return binding("concord idempotency v1: body", key, note)
}

// binding joins label, key and rest. The labels are equally long, and the rest
// needs no length because nothing follows it.
func binding(label, key string, rest []byte) []byte {
	b := make([]byte, 0, len(label)+uvarintSize(len(key))+len(key)+len(rest))
	b = append(b, label...)
	b = binary.AppendUvarint(b, uint64(len(key)))
	b = append(b, key...)
	return append(b, rest...)
}
