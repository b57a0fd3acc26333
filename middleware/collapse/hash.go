package collapse

import (
	"hash/maphash"
	"math/bits"
)

// hashLine takes the seed for the name as well as for the value. Who knew two
// names that come to the same could end the runs of others, or have their
// requests not collapsed.
func hashLine(seed maphash.Seed, name, value string) uint64 {
	return mix(maphash.String(seed, value), bits.RotateLeft64(maphash.String(seed, name), 32))
}

// mix combines two hashes so that their order counts.
func mix(a, b uint64) uint64 {
	const odd = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio
	a = (a ^ b) * odd
	return a ^ a>>29
}
