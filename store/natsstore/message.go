package natsstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/concordhttp/concord/store"
)

// ErrCorrupt: what is stored at a key is no record of this package, or was
// damaged. It is never taken for absent; whoever knows better removes it with
// the bucket's own tools.
var ErrCorrupt = errors.New("natsstore: corrupt record")

// The bytes of a record: format, flags, time to live in ns (8), length of the
// head (2), checksum (4), head, body. The checksum is that of all the others.
const (
	formatOne    = 1
	flagDropped  = 1 << 0
	prefixBytes  = 16
	checksumFrom = 12
)

// largestBody is what the largest payload that a server can be configured for
// leaves to a body.
const largestBody = 64<<20 - 6<<10

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encode returns the payload of a message that holds r.
func encode(r store.Record) []byte {
	p := make([]byte, prefixBytes, prefixBytes+len(r.Head)+len(r.Body))
	p[0] = formatOne
	if r.Dropped {
		p[1] = flagDropped
	}
	binary.BigEndian.PutUint64(p[2:], uint64(r.TTL))
	binary.BigEndian.PutUint16(p[10:], uint16(len(r.Head)))
	p = append(append(p, r.Head...), r.Body...)
	binary.BigEndian.PutUint32(p[checksumFrom:], checksum(p))
	return p
}

// decode returns the record in a payload, with the time to live that it was
// written with. Its slices are parts of the payload.
func decode(p []byte) (store.Record, error) {
	switch {
	case len(p) < prefixBytes:
		return store.Record{}, fmt.Errorf("%w: %d bytes", ErrCorrupt, len(p))
	case p[0] != formatOne:
		return store.Record{}, fmt.Errorf("%w: format %d", ErrCorrupt, p[0])
	case binary.BigEndian.Uint32(p[checksumFrom:]) != checksum(p):
		return store.Record{}, fmt.Errorf("%w: checksum", ErrCorrupt)
	}
	ttl := time.Duration(binary.BigEndian.Uint64(p[2:]))
	end := prefixBytes + int(binary.BigEndian.Uint16(p[10:]))
	dropped := p[1] == flagDropped
	if ttl <= 0 || end > len(p) || end > prefixBytes+store.MaxHead || p[1]&^flagDropped != 0 || dropped && end != len(p) {
		return store.Record{}, fmt.Errorf("%w: it contradicts itself", ErrCorrupt)
	}
	return store.Record{Head: p[prefixBytes:end:end], Body: p[end:len(p):len(p)], Dropped: dropped, TTL: ttl}, nil
}

// checksum is that of p, without the place where it stands.
func checksum(p []byte) uint32 {
	return crc32.Update(crc32.Checksum(p[:checksumFrom], castagnoli), castagnoli, p[prefixBytes:])
}
