package memory

import "math/bits"

// What a zero or negative field of [Config] means, and how far Shards goes.
const (
	defaultMaxRecords   = 1 << 18
	defaultMaxBodyBytes = 64 << 20
	defaultShards       = 32
	maxShards           = 1 << 10
)

// Config bounds a [Store]. The zero value is ready to use; a field that is zero
// or negative means its default, since "no room at all" and "no bound" are both
// settings that nobody should get by mistake.
type Config struct {
	// MaxRecords is how many records stand at once, expired ones that still
	// take up room not counted. The default is 262,144, which with heads of
	// 100 bytes comes to about 100 MB; at worst each record has a key of 512
	// bytes and a head of 4 KiB. Create fails with store.ErrFull beyond it.
	MaxRecords int

	// MaxBodyBytes bounds the bodies of all records together. The default is
	// 64 MiB. Beyond it the least recently used bodies are dropped; a body
	// that is larger than all of it is dropped at once. While a body is being
	// written it may stand beside those that will make room for it.
	MaxBodyBytes int64

	// Shards is the number of locks that keys are spread over, rounded up to a
	// power of two and at most 1,024. The default is 32. More of them help
	// only where many processors write at once.
	Shards int
}

// withDefaults returns the configuration that is really used.
func (c Config) withDefaults() Config {
	if c.MaxRecords <= 0 {
		c.MaxRecords = defaultMaxRecords
	}
	if c.MaxBodyBytes <= 0 {
		c.MaxBodyBytes = defaultMaxBodyBytes
	}
	if c.Shards <= 0 {
		c.Shards = defaultShards
	}
	c.Shards = 1 << bits.Len(uint(min(c.Shards, maxShards)-1))
	return c
}
