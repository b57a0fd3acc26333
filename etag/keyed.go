package etag

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"sync"
)

// MinSecretBytes is the shortest secret that [Keyed] takes.
const MinSecretBytes = 32

// SecretError says that a secret given to [Keyed] is too short. It does not
// hold the secret.
type SecretError struct {
	Bytes int // how long the secret is
}

// Error implements error.
func (e *SecretError) Error() string {
	return fmt.Sprintf("etag: secret of %d bytes, the minimum is %d", e.Bytes, MinSecretBytes)
}

// Keyed returns a [Hasher] that is several times faster than SHA-256 where the
// processor has instructions for AES, and whose tags cannot be made or checked
// without the secret: they tell nobody what the body is. Every server of a
// deployment needs the same secret; another secret gives other tags, so that
// clients fetch again. The secret is copied.
//
// Two bodies of at most 1 MiB get one tag with a probability of 2^-33 or less
// among 2^40 of them, whoever chose them, as long as nobody who chooses bodies
// knows the secret. Rotate the secret before that many.
//
// The error is a [*SecretError] if the secret is shorter than
// [MinSecretBytes]. In a FIPS 140 mode that refuses AES-GCM with a nonce of the
// caller's, Keyed returns an error: falling back to another hash would make
// servers disagree on the tags of one body.
func Keyed(secret []byte) (Hasher, error) {
	if len(secret) < MinSecretBytes {
		return nil, &SecretError{Bytes: len(secret)}
	}
	hashKey, err := hkdf.Key(sha256.New, secret, nil, "concord etag v1: universal hash", keyBytes)
	if err != nil {
		return nil, fmt.Errorf("etag: deriving the keys of a Keyed hasher: %w", err)
	}
	coverKey, err := hkdf.Key(sha256.New, secret, nil, "concord etag v1: cover", keyBytes)
	if err != nil {
		return nil, fmt.Errorf("etag: deriving the keys of a Keyed hasher: %w", err)
	}
	gcm, err := gmac(hashKey)
	if err != nil {
		return nil, err
	}
	cover, err := aes.NewCipher(coverKey)
	if err != nil {
		return nil, fmt.Errorf("etag: a Keyed hasher needs AES: %w", err)
	}
	k := &keyed{gcm: gcm, cover: cover}
	k.scratch.New = func() any { return new([digestBytes]byte) }
	return k, nil
}

// gmac is the universal hash: AES-GCM that encrypts nothing.
func gmac(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("etag: a Keyed hasher needs AES: %w", err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("etag: a Keyed hasher needs AES-GCM: %w", err)
	}
	return gcm, nil
}

const keyBytes = 32

// keyed computes AES(K2, GMAC(K1, body)).
//
// The GMAC is one under a nonce that never changes, which makes it a function
// of the body, and a universal hash: two bodies collide only with the chance
// that the bound of Keyed states. But two of its values under one nonce are two
// equations in the key, and reveal it. So none may ever leave: AES under the
// second key covers it. A GMAC is one block, so this adds no collisions, and
// tells as much of it as a random permutation would: which bodies are equal.
//
// Bodies over GCM's limit for additional data, 2^61 bytes, do not fit in memory.
type keyed struct {
	gcm     cipher.AEAD
	cover   cipher.Block
	scratch sync.Pool // of *[digestBytes]byte: what is passed to Seal cannot live on the stack
}

// zeroNonce is read-only.
var zeroNonce [12]byte

// Sum implements [Hasher].
func (k *keyed) Sum(body []byte) Tag {
	room := k.scratch.Get().(*[digestBytes]byte)
	k.gcm.Seal(room[:0], zeroNonce[:], nil, body) //nolint:gosec // G407: the nonce is fixed on purpose, see keyed
	k.cover.Encrypt(room[:], room[:])
	tag := fromDigest(room)
	k.scratch.Put(room) // it holds no GMAC any more
	return tag
}
