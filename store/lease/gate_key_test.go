package lease

import (
	"fmt"
	"hash/maphash"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestCachedKeysAreTheKeys: whatever shares a place in the cache, a resource
// has its own key, and servers agree on it.
func TestCachedKeysAreTheKeys(t *testing.T) {
	prefix := gatePrefix("n")
	c := &keyCache{seed: maphash.MakeSeed()}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 3 {
				for i := range 4 * cachedKeys {
					resource := fmt.Sprint("/documents/", i)
					assert.Equal(t, gateKey(prefix, resource), c.of(prefix, resource))
				}
			}
		})
	}
	all.Wait()
	long := strings.Repeat("x", maxCachedResource+1)
	assert.Equal(t, gateKey(prefix, long), c.of(prefix, long))
	for i := range c.slots {
		if cached := c.slots[i].Load(); cached != nil {
			assert.LessOrEqual(t, len(cached.resource), maxCachedResource)
		}
	}
}
