package idempotency

import (
	"encoding/binary"
	"hash/crc32"
)

// castagnoli is the polynomial for which processors have an instruction.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// An unsealed record is protected against accidents alone: bytes that changed,
// and records that turn up under another key.

// checksum returns the CRC-32C of what a body or a note consists of.
func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// noteSum returns the CRC-32C of b, mixed with the key, a digest of which any
// four bytes are as good as a checksum.
func noteSum(key string, b []byte) uint32 {
	sum := checksum(b)
	for i := range min(len(key), 4) {
		sum ^= uint32(key[len(key)-1-i]) << (8 * i)
	}
	return sum
}

func appendNoteSum(b []byte, key string) []byte {
	return binary.BigEndian.AppendUint32(b, noteSum(key, b))
}

// checkedText returns the text of the unsealed note b if its sum is right.
func checkedText(key string, b []byte) ([]byte, error) {
	end := len(b) - noteSumSize
	if end < notePrefix {
		return nil, corrupt("note of %d bytes", len(b))
	}
	if binary.BigEndian.Uint32(b[end:]) != noteSum(key, b[:end]) {
		return nil, corrupt("note whose checksum is wrong, or of another key")
	}
	return b[notePrefix:end], nil
}
