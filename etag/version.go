package etag

import (
	"strconv"
	"strings"
)

// FromVersion returns the strong entity tag "v<version>", for resources that
// carry a version number: a row's version column, or the Version of a store's
// record. Zero is a version like any other. The number must change with every
// change of the representation and never come back.
func FromVersion(version uint64) Tag {
	var room [len(`"v18446744073709551615"`)]byte
	text := append(room[:0], `"v`...)
	text = strconv.AppendUint(text, version, 10)
	text = append(text, '"')
	return Tag{string(text)}
}

// Version gives back what [FromVersion] was called with. False: the tag is not
// one that FromVersion makes, byte for byte; a weak one, leading zeros and
// numbers over 64 bits are refused.
func (t Tag) Version() (uint64, bool) {
	digits, ok := strings.CutPrefix(t.Opaque(), "v")
	if !ok || t.IsWeak() || len(digits) > 1 && digits[0] == '0' {
		return 0, false
	}
	version, err := strconv.ParseUint(digits, 10, 64)
	return version, err == nil
}
