package idempotency

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
)

// scopeLabel keeps the keys of this layer apart from all others in one store,
// and those of another construction apart from these.
const scopeLabel = "concord idempotency 1"

// scope turns the keys of one namespace into keys of the store, so that one
// caller's key is never another's. It is safe for concurrent use.
type scope struct {
	prefix []byte // what every key of the namespace digests first; read-only
}

func newScope(namespace string) scope {
	return scope{appendPart([]byte(scopeLabel), namespace)}
}

// storageKey is a SHA-256: a key may be longer than the store takes, and what
// callers and principals are called has no business in a store. It allocates
// the string alone as long as principal and key have some 450 bytes together.
func (s scope) storageKey(principal, key string) string {
	var stack [512]byte
	b := append(stack[:0], s.prefix...)
	b = appendPart(b, principal)
	b = appendPart(b, key)
	sum := sha256.Sum256(b)
	return string(sum[:])
}

// appendPart puts the length before the part, so that no part can pass for the
// beginning or the end of its neighbour.
func appendPart(b []byte, part string) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(len(part)))
	return append(b, part...)
}

// reference is the name of a storage key for logs and operators. It is
// hexadecimal so that it never begins with a dash, which tools would take for
// an option.
func reference(storageKey string) string {
	var text [2 * sha256.Size]byte
	b := hex.AppendEncode(text[:0], []byte(storageKey))
	return string(b)
}

var errReference = errors.New("idempotency: a reference is 64 hexadecimal digits, as in Event.Key")

// parseReference reads what reference wrote, in either case.
func parseReference(ref string) (storageKey string, err error) {
	if len(ref) != hex.EncodedLen(sha256.Size) {
		return "", errReference
	}
	b, err := hex.DecodeString(ref)
	if err != nil {
		return "", errReference
	}
	return string(b), nil
}
