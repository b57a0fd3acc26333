package lease

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/maphash"
	"strings"
	"sync/atomic"
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

// keyCache keeps the keys of resources that were entered lately, since the
// digest is a good part of what passing a gate costs, and what is written often
// is often written again. It holds at most cachedKeys of them, each in the one
// place that its resource hashes to. The zero value is empty but for the seed.
type keyCache struct {
	seed  maphash.Seed
	slots [cachedKeys]atomic.Pointer[cachedKey]
}

const (
	cachedKeys        = 256
	maxCachedResource = 256 // bytes; the key of a longer one is digested each time
)

type cachedKey struct{ resource, key string }

// of returns the key of a resource.
func (c *keyCache) of(prefix []byte, resource string) string {
	if len(resource) > maxCachedResource {
		return gateKey(prefix, resource)
	}
	slot := &c.slots[maphash.String(c.seed, resource)%cachedKeys]
	if cached := slot.Load(); cached != nil && cached.resource == resource {
		return cached.key
	}
	// A clone: the resource is usually a part of all that a client has sent.
	cached := &cachedKey{strings.Clone(resource), gateKey(prefix, resource)}
	slot.Store(cached)
	return cached.key
}
