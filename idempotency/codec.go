package idempotency

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/concordhttp/concord/store/lease"
)

// A note is stored as
//
//	0      format, 1
//	1      state
//	2      1 if sealed
//	3      ID of the Sealer; 0 if unsealed
//	4-     text of the note; if sealed, nonce and sealed text
//	       if unsealed, CRC-32C of the storage key and all the above
//
// and the body of a kept outcome as fields and body or, if its note is sealed,
// as nonce and those sealed by the same Sealer.
const (
	noteFormat   = 1
	noteStateAt  = 1
	noteSealedAt = 2
	noteSealerAt = 3
	notePrefix   = 4
	noteSumSize  = 4

	claimNoteSize   = notePrefix + textMin + noteSumSize // unsealed
	outcomeNoteSize = claimNoteSize + contentSize        // unsealed, of an answer without a Location
)

// codec turns notes and answers into the bytes of a record and back. It is not
// changed once made, and safe for concurrent use.
//
// Whatever it cannot read, or did not expect, is an error that wraps
// [lease.ErrCorrupt] and quotes nothing; [lease.ErrUnknownVersion], if it is of
// another version of this package, as happens while servers are replaced one by
// one. Such a record must neither be replayed nor be run over.
type codec struct {
	sealers []Sealer // the first seals, all open
}

// newCodec returns a codec with Sealers that checkSealers found to be in order.
func newCodec(seal []Sealer) codec { return codec{sealers: slices.Clone(seal)} }

// corrupt says what is wrong with a record. The arguments may be lengths and
// numbers of the format, nothing that a client or a handler wrote.
func corrupt(format string, a ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{lease.ErrCorrupt}, a...)...)
}

// claim returns the note of a request that is about to run, of which n gives
// fingerprint, anyRequest and started. The storage key is part of what is
// checked on reading: a record under another key is corrupt. The note is written
// into room where there is enough of it, and it is not sealed.
func (c *codec) claim(room []byte, key string, n note) []byte {
	n.state, n.status, n.location = claimed, 0, ""
	return c.note(room, key, &n)
}

// outcome returns the note of a request that has ended, and for a kept one the
// body of the record, for other states nil. What could not be sent is not
// recorded either: fields whose name is no token, line breaks and NULs in
// values. A Location that is too long for the note, or cannot be sent, is left
// out of it. Room is as for claim.
func (c *codec) outcome(room []byte, key string, n note, fields []field, body []byte) (noteBytes, bodyBytes []byte) {
	if !isLocation(n.location) {
		n.location = ""
	}
	if n.state != kept {
		return c.note(room, key, &n), nil
	}
	count, size := fieldsSize(fields)
	text := append(appendFields(make([]byte, 0, size+len(body)), fields, count), body...)
	n.content.length, n.content.sum = uint64(len(text)), checksum(text)
	noteBytes = c.note(room, key, &n)
	if len(c.sealers) > 0 {
		text = c.sealers[0].seal(nil, text, bodyBinding(key, noteBytes))
	}
	return noteBytes, text
}

// note returns n as it is stored.
func (c *codec) note(room []byte, key string, n *note) []byte {
	if len(c.sealers) > 0 {
		s := c.sealers[0]
		prefix := []byte{noteFormat, byte(n.state), 1, s.ID}
		return s.seal(prefix, n.appendText(make([]byte, 0, n.textSize())), noteBinding(key, prefix))
	}
	if size := notePrefix + n.textSize() + noteSumSize; cap(room) < size {
		room = make([]byte, 0, size)
	}
	b := room[:0]
	b = append(b, noteFormat, byte(n.state), 0, 0)
	b = n.appendText(b)
	return appendNoteSum(b, key)
}

// readNote reads a note of any origin, found under key.
func (c *codec) readNote(key string, b []byte) (note, error) {
	if len(b) > 0 && b[0] != noteFormat {
		return note{}, fmt.Errorf("%w: note of version %d, this is version %d", lease.ErrUnknownVersion, b[0], noteFormat)
	}
	if len(b) < notePrefix || len(b) > lease.MaxNote {
		return note{}, corrupt("note of %d bytes", len(b))
	}
	text, err := c.open(key, b)
	if err != nil {
		return note{}, err
	}
	n, err := readText(state(b[noteStateAt]), text)
	if err == nil && n.state == kept && b[noteSealedAt] == 1 {
		n.content.sealed = b
	}
	return n, err
}

// open returns the text of the note b. Where notes are sealed, one that is not
// proves nothing: whoever can write into the store could have made it.
func (c *codec) open(key string, b []byte) ([]byte, error) {
	switch sealed, id := b[noteSealedAt], b[noteSealerAt]; {
	case sealed == 0 && id == 0 && len(c.sealers) > 0:
		return nil, corrupt("not sealed, and there are sealers")
	case sealed == 0 && id == 0:
		return checkedText(key, b)
	case sealed != 1:
		return nil, corrupt("neither sealed nor unsealed")
	default:
		s, err := c.sealer(id)
		if err != nil {
			return nil, err
		}
		return s.open(b[notePrefix:], noteBinding(key, b[:notePrefix]))
	}
}

// readBody reads the body that was stored with n, which readNote returned, sets
// its fields in into, and returns the body of the answer, which shares b's bytes
// unless it was sealed, and must not be written to. After an error into is as
// before.
func (c *codec) readBody(key string, n note, b []byte, into http.Header) (body []byte, err error) {
	if n.state != kept {
		return nil, corrupt("a body in state %d", byte(n.state))
	}
	if n.content.sealed != nil {
		if b, err = c.openBody(key, n.content.sealed, b); err != nil {
			return nil, err
		}
	}
	if uint64(len(b)) != n.content.length {
		return nil, corrupt("body of %d bytes, its note says %d", len(b), n.content.length)
	}
	if checksum(b) != n.content.sum {
		return nil, corrupt("body that differs from what its note says")
	}
	size, values, err := checkFields(b)
	if err != nil {
		return nil, err
	}
	setFields(b, size, values, into)
	return b[size:len(b):len(b)], nil
}

// openBody opens a sealed body, which is bound to the note that it was stored
// with and needs no mark of its own.
func (c *codec) openBody(key string, sealed, b []byte) ([]byte, error) {
	s, err := c.sealer(sealed[noteSealerAt])
	if err != nil {
		return nil, err
	}
	return s.open(b, bodyBinding(key, sealed))
}
