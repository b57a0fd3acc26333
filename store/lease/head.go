package lease

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/concordhttp/concord/store"
)

// Sizes of the head of a record.
const (
	// HeadSize is how long the head of a record is without a Note, in bytes.
	HeadSize = headPrefix
	// MaxNote is the largest Note, in bytes.
	MaxNote = store.MaxHead - headPrefix
)

// The head of a record, numbers in big-endian order:
//
//	0      format, 1
//	1      1 while the lease is held, 2 once it was settled
//	2-17   nonce of the acquisition
//	18-25  lease in nanoseconds, as its owner counts it
//	26-    the caller's note
const (
	format     = 1
	stateAt    = 1
	nonceAt    = 2
	leaseAt    = 18
	headPrefix = 26
)

type state byte

const (
	held    state = 1
	settled state = 2
)

type head struct {
	state state
	nonce nonce
	lease time.Duration
	note  []byte
}

func (h head) encode() []byte {
	return h.append(make([]byte, 0, headPrefix+len(h.note)))
}

func (h head) append(b []byte) []byte {
	b = append(b, format, byte(h.state))
	b = append(b, h.nonce[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(h.lease))
	return append(b, h.note...)
}

// decodeHead reads a head of any origin. The note shares b's bytes.
func decodeHead(b []byte) (head, error) {
	if len(b) > 0 && b[0] != format {
		return head{}, fmt.Errorf("%w %d, this is version %d", ErrUnknownVersion, b[0], format)
	}
	if len(b) < headPrefix || len(b) > store.MaxHead {
		return head{}, fmt.Errorf("%w: head of %d bytes", ErrCorrupt, len(b))
	}
	h := head{state: state(b[stateAt]), nonce: nonce(b[nonceAt:leaseAt]), note: b[headPrefix:len(b):len(b)]}
	if h.state != held && h.state != settled {
		return head{}, fmt.Errorf("%w: state %d", ErrCorrupt, b[stateAt])
	}
	lease := binary.BigEndian.Uint64(b[leaseAt:headPrefix])
	if lease == 0 || lease > uint64(MaxLease) {
		return head{}, fmt.Errorf("%w: lease of %d ns", ErrCorrupt, lease)
	}
	h.lease = time.Duration(lease)
	return h, nil
}
