package lock

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/lease"
)

// MaxHolder is how much of the text that says who holds a lock is kept, in bytes.
// What is longer is cut off.
const MaxHolder = 255

// The head of a lock's record, numbers in big-endian order:
//
//	0      format, 1
//	1-8    version of the acquisition; 0: that of this very record
//	9-24   token
//	25-56  digest of the principal
//	57     length of the holder's text
//	58-    the holder's text, UTF-8
//	       CRC-32C of the storage key and all the above
//
// There is no body, which could be dropped. The time to live is that of the
// lock, so that it expires by the store's clock alone.
const (
	format     = 1
	acquiredAt = 1
	tokenAt    = 9
	ownerAt    = 25
	lengthAt   = 57
	holderAt   = 58
	sumSize    = 4
)

// digest stands for a principal in the store.
type digest [sha256.Size]byte

// standing is a lock as it was last seen in the store.
type standing struct {
	version uint64 // of the record
	fence   uint64 // version of the acquisition: the fencing token
	token   token
	owner   digest
	holder  string
	ttl     time.Duration // what was left of it when it was seen
	expires time.Time     // the same by the clock of this server
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum binds a head to its key: under another one it is corrupt.
func sum(key string, head []byte) uint32 {
	return crc32.Update(crc32.Checksum([]byte(key), castagnoli), castagnoli, head)
}

// encode returns the head of the record, for key. A fence of 0 is that of the
// acquisition itself.
func (s standing) encode(key string) []byte {
	b := make([]byte, 0, holderAt+len(s.holder)+sumSize)
	b = append(b, format)
	b = binary.BigEndian.AppendUint64(b, s.fence)
	b = append(b, s.token[:]...)
	b = append(b, s.owner[:]...)
	b = append(b, byte(len(s.holder)))
	b = append(b, s.holder...)
	return binary.BigEndian.AppendUint32(b, sum(key, b))
}

// decode reads a record of any origin that was found under key. Errors wrap
// [lease.ErrCorrupt], and [lease.ErrUnknownVersion] if the record is of another
// version of this package.
func decode(key string, r store.Record) (standing, error) {
	b := r.Head
	if len(b) > 0 && b[0] != format {
		return standing{}, fmt.Errorf("%w: lock of version %d, this is version %d", lease.ErrUnknownVersion, b[0], format)
	}
	if len(b) < holderAt+sumSize || len(b) != holderAt+int(b[lengthAt])+sumSize {
		return standing{}, fmt.Errorf("%w: lock of %d bytes", lease.ErrCorrupt, len(b))
	}
	end := len(b) - sumSize
	if binary.BigEndian.Uint32(b[end:]) != sum(key, b[:end]) {
		return standing{}, fmt.Errorf("%w: lock whose checksum is wrong, or of another key", lease.ErrCorrupt)
	}
	s := standing{
		version: r.Version,
		fence:   binary.BigEndian.Uint64(b[acquiredAt:tokenAt]),
		token:   token(b[tokenAt:ownerAt]),
		owner:   digest(b[ownerAt:lengthAt]),
		holder:  string(b[holderAt:end]),
		ttl:     r.TTL,
		expires: time.Now().Add(r.TTL),
	}
	if s.fence == 0 {
		s.fence = r.Version
	}
	if s.fence > r.Version || !s.token.isRandom() || !utf8.ValidString(s.holder) {
		return standing{}, fmt.Errorf("%w: lock that nobody can have taken", lease.ErrCorrupt)
	}
	return s, nil
}

// shown is the text that is kept of who holds a lock: whole characters, at most
// MaxHolder bytes of them.
func shown(holder string) string {
	if len(holder) > MaxHolder {
		end := MaxHolder
		for end > MaxHolder-utf8.UTFMax && !utf8.RuneStart(holder[end]) {
			end--
		}
		holder = holder[:end]
	}
	// Which makes it no longer: each run of bytes that are no text becomes one.
	return strings.ToValidUTF8(holder, "?")
}
