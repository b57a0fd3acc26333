package lock

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

// keyLabel keeps the keys of locks apart from all others in one store, and
// those of another construction apart from these.
const keyLabel = "concord lock 1"

// keyPrefix is what all keys of one namespace digest first. Parts are preceded
// by their lengths, so that none can pass for the beginning of another.
func keyPrefix(namespace string) []byte {
	return appendPart([]byte(keyLabel), namespace)
}

// storageKey is the key of a resource's lock: a digest, since a resource may be
// longer than a key, and names of resources have no business in a store.
func (l *Layer) storageKey(resource string) string {
	var stack [256]byte // room for most, without an allocation
	sum := sha256.Sum256(appendPart(append(stack[:0], l.prefix...), resource))
	return string(sum[:])
}

func appendPart(b []byte, part string) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(len(part)))
	return append(b, part...)
}

var errNoPrincipal = errors.New("lock: the principal is empty")

// ownerOf digests a principal together with the key, so that the store does not
// show which locks have one holder. A principal without a name could be anybody.
func ownerOf(key, principal string) (digest, error) {
	if principal == "" {
		return digest{}, errNoPrincipal
	}
	var stack [256]byte
	return sha256.Sum256(append(append(stack[:0], key...), principal...)), nil
}
