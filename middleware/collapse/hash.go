package collapse

// outline tells most names of fields apart, and takes no time.
func outline(name string) uint64 {
	n := len(name)
	if n < 8 {
		return uint64(n)
	}
	return first8(name) ^ first8(name[n-8:])<<1 + uint64(n)
}

func first8(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// mix combines two hashes so that their order counts.
func mix(a, b uint64) uint64 {
	const odd = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio
	a = (a ^ b) * odd
	return a ^ a>>29
}
