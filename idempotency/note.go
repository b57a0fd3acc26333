package idempotency

import (
	"encoding/binary"
	"time"
)

// maxLocation is the longest Location that a note keeps, in bytes. What it says
// is for when the body was dropped or never kept; a longer one does without.
const maxLocation = 2 << 10

// state is what became of a request.
type state byte

const (
	claimed     state = 1 // it runs, or its owner died
	kept        state = 2 // the outcome; the record's body holds fields and body
	notRetained state = 3 // the outcome was too large to keep: status and Location alone
	unknown     state = 4 // it ran, and nobody knows how it ended
)

// note is what the head of a record says of a request and its outcome.
type note struct {
	state       state
	fingerprint fingerprint
	anyRequest  bool      // the fingerprint is not known (an operator settled a corrupt record): any request matches
	started     time.Time // millisecond precision, by the server's clock; zero means not known
	status      int       // 0 while claimed, and where it is unknown
	location    string    // of the answer, "" if none or longer than maxLocation
	content     content   // set by readNote alone
}

// content is what the note of a kept outcome says of the record's body, so that
// no other body passes for it.
type content struct {
	length uint64 // before sealing
	sum    uint32 // CRC-32C, before sealing
	sealed []byte // the whole note as it is stored, to which a sealed body is bound; nil if unsealed
}

// The text of a note, numbers in big-endian order:
//
//	0      fingerprint
//	32     flags: 1 if any request matches
//	33     when it started, in milliseconds since 1970; 0: not known
//	41     status
//	43     length of the Location, and the Location
//	then, if kept: length and CRC-32C of the body
const (
	flagsAt     = 32
	startedAt   = 33
	statusAt    = 41
	locationAt  = 43
	textMin     = 45
	contentSize = 8 + 4
	textMax     = textMin + maxLocation + contentSize

	flagAnyRequest = 1

	// maxStarted is the end of the year 9999, the last that RFC 3339 can write.
	maxStarted = 253402300799999
)

// textSize returns how long the text of n is.
func (n *note) textSize() int {
	size := textMin + len(n.location)
	if n.state == kept {
		size += contentSize
	}
	return size
}

// appendText appends the text of n to b.
func (n *note) appendText(b []byte) []byte {
	b = append(b, n.fingerprint[:]...)
	var flags byte
	if n.anyRequest {
		flags = flagAnyRequest
	}
	b = append(b, flags)
	b = binary.BigEndian.AppendUint64(b, milliseconds(n.started))
	b = binary.BigEndian.AppendUint16(b, uint16(n.status))
	b = binary.BigEndian.AppendUint16(b, uint16(len(n.location)))
	b = append(b, n.location...)
	if n.state == kept {
		b = binary.BigEndian.AppendUint64(b, n.content.length)
		b = binary.BigEndian.AppendUint32(b, n.content.sum)
	}
	return b
}

// milliseconds returns 0, not known, for a time that a client could not be told.
func milliseconds(t time.Time) uint64 {
	if ms := t.UnixMilli(); !t.IsZero() && ms > 0 && ms <= maxStarted {
		return uint64(ms)
	}
	return 0
}

// readText reads the text of a note in state s. It takes exactly what appendText
// makes, so that no two texts mean the same.
func readText(s state, b []byte) (note, error) {
	if s < claimed || s > unknown {
		return note{}, corrupt("no such state: %d", byte(s))
	}
	if len(b) < textMin {
		return note{}, corrupt("note with a text of %d bytes", len(b))
	}
	n := note{state: s, fingerprint: fingerprint(b[:flagsAt]), anyRequest: b[flagsAt] == flagAnyRequest}
	if b[flagsAt]&^flagAnyRequest != 0 {
		return note{}, corrupt("unknown flags")
	}
	n.status = int(binary.BigEndian.Uint16(b[statusAt:]))
	if !s.allows(n.status) {
		return note{}, corrupt("a status that does not fit state %d", byte(s))
	}
	switch ms := binary.BigEndian.Uint64(b[startedAt:]); {
	case ms > maxStarted:
		return note{}, corrupt("started after the year 9999")
	case ms > 0:
		n.started = time.UnixMilli(int64(ms)).UTC()
	}
	location := int(binary.BigEndian.Uint16(b[locationAt:]))
	want := textMin + location
	if s == kept {
		want += contentSize
	}
	if len(b) != want {
		return note{}, corrupt("note with a text of %d bytes, it should have %d", len(b), want)
	}
	b = b[textMin:]
	if location > 0 && (s == claimed || !isLocation(b[:location])) {
		return note{}, corrupt("a Location that cannot be")
	}
	n.location = string(b[:location])
	if s == kept {
		n.content.length = binary.BigEndian.Uint64(b[location:])
		n.content.sum = binary.BigEndian.Uint32(b[location+8:])
	}
	return n, nil
}

// allows reports whether a note in state s may have this status: none as long as
// there is no answer, one as soon as there is, and either where nobody knows.
func (s state) allows(status int) bool {
	possible := status >= 100 && status <= 999
	switch s {
	case claimed:
		return status == 0
	case unknown:
		return status == 0 || possible
	default:
		return possible
	}
}

// isLocation reports whether a note can keep this Location.
func isLocation[T string | []byte](s T) bool { return len(s) <= maxLocation && isValue(s) }
