package lock

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"
)

const (
	fieldLockToken = "Lock-Token"
	urn            = "urn:uuid:"
	uuidLength     = 36
)

// token is what the holder of a lock shows: a random UUID, version 4 (RFC 9562
// section 5.4), as RFC 4918 section 6.5 wants one.
type token [16]byte

func newToken() (t token) {
	rand.Read(t[:]) // never fails: crypto/rand ends the process instead
	t[6] = t[6]&0x0f | 0x40
	t[8] = t[8]&0x3f | 0x80
	return t
}

// isRandom reports whether t can have come from newToken.
func (t token) isRandom() bool { return t[6]>>4 == 4 && t[8]>>6 == 2 }

// String returns t as a URN. On the wire it stands between < and >.
func (t token) String() string {
	var room [len(urn) + uuidLength]byte
	b := append(room[:0], urn...)
	for i, part := range [...][]byte{t[:4], t[4:6], t[6:8], t[8:10], t[10:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return string(b)
}

// parseToken reads a UUID as a URN (RFC 9562 section 4), in either case. It may
// stand between < and >, as in the field, or bare, as in the JSON of the answer:
// a client that takes it from there means the same lock.
func parseToken(s string) (t token, ok bool) {
	if inner, cut := strings.CutPrefix(s, "<"); cut {
		if s, cut = strings.CutSuffix(inner, ">"); !cut {
			return token{}, false
		}
	}
	if len(s) != len(urn)+uuidLength || !strings.EqualFold(s[:len(urn)], urn) {
		return token{}, false
	}
	digits := s[len(urn):]
	at := 0
	for i, size := range [...]int{4, 2, 2, 2, 6} {
		if i > 0 {
			if digits[0] != '-' {
				return token{}, false
			}
			digits = digits[1:]
		}
		if _, err := hex.Decode(t[at:at+size], []byte(digits[:2*size])); err != nil {
			return token{}, false
		}
		at, digits = at+size, digits[2*size:]
	}
	return t, true
}

// tokenOf reads the Lock-Token field of a request. A field that cannot be read,
// an empty one included, is never taken for absent: the client means to write
// under a lock.
func tokenOf(h http.Header) (t token, present bool, reason string) {
	lines := h[fieldLockToken]
	switch len(lines) {
	case 0:
		return token{}, false, ""
	case 1:
	default:
		return token{}, false, "it was sent more than once"
	}
	t, ok := parseToken(strings.Trim(lines[0], " \t"))
	if !ok {
		return token{}, false, "it is not a token as LOCK gives them, <urn:uuid:…>"
	}
	return t, true, ""
}
