package lease

import (
	"crypto/sha256"
	"encoding/binary"
)

// gateLabel keeps the keys of gates apart from all others in one store, and
// those of another construction apart from these.
const gateLabel = "concord gate 1"

// gatePrefix is what all keys of one namespace digest first. Parts are preceded
// by their lengths, so that none can pass for the beginning of another.
func gatePrefix(namespace string) []byte {
	b := append([]byte(nil), gateLabel...)
	b = binary.BigEndian.AppendUint64(b, uint64(len(namespace)))
	return append(b, namespace...)
}

// gateKey is the key of a resource: a digest, since a resource may be longer
// than a key, and names of resources have no business in a store.
func gateKey(prefix []byte, resource string) string {
	var stack [256]byte // room for most, without an allocation
	b := append(stack[:0], prefix...)
	b = binary.BigEndian.AppendUint64(b, uint64(len(resource)))
	b = append(b, resource...)
	sum := sha256.Sum256(b)
	return string(sum[:])
}
