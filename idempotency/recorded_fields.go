package idempotency

import (
	"encoding/binary"
	"net/http"
)

// field is one field of a recorded answer.
type field struct {
	name   string
	values []string // its lines; none: net/http must not add the field by itself
}

// The fields stand before the body as
//
//	number of fields
//	of each: name, number of values, values
//
// numbers as uvarints in their shortest form, each name and value after its
// length in bytes.

// fieldsSize returns how many of the fields can be sent, and how long they are
// in a record.
func fieldsSize(fields []field) (count, size int) {
	for _, f := range fields {
		if !isName(f.name) {
			continue
		}
		count++
		size += uvarintSize(len(f.name)) + len(f.name) + uvarintSize(len(f.values))
		for _, value := range f.values {
			size += uvarintSize(len(value)) + len(value)
		}
	}
	return count, size + uvarintSize(count)
}

// appendFields appends the fields, count of which can be sent, to b. It does as
// net/http does when it sends them: a name that is no token is left out, and
// line breaks in values become blanks. So do NULs, which no client takes.
func appendFields(b []byte, fields []field, count int) []byte {
	b = binary.AppendUvarint(b, uint64(count))
	for _, f := range fields {
		if !isName(f.name) {
			continue
		}
		b = appendString(b, f.name)
		b = binary.AppendUvarint(b, uint64(len(f.values)))
		for _, value := range f.values {
			b = appendString(b, value)
			blank(b[len(b)-len(value):])
		}
	}
	return b
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// checkFields looks at the fields at the start of b, which may be anything, and
// returns how long they are and how many values they have.
func checkFields(b []byte) (size, values int, err error) {
	c := cursor{b: b}
	for range c.count() {
		from, to := c.text()
		if !c.bad && !isName(b[from:to]) {
			return 0, 0, corrupt("a field name that is no token")
		}
		n := c.count()
		for range n {
			from, to := c.text()
			if !isValue(b[from:to]) {
				return 0, 0, corrupt("a field value with a line break or NUL")
			}
		}
		if c.bad {
			break
		}
		values += n
	}
	if c.bad {
		return 0, 0, corrupt("fields that are cut short, or a number that is not in its shortest form")
	}
	return c.at, values, nil
}

// setFields sets the fields at the start of b, which checkFields found to be in
// order. All names and values share one string, and all values one slice.
func setFields(b []byte, size, values int, into http.Header) {
	all, lines := string(b[:size]), make([]string, 0, values)
	c := cursor{b: b}
	for range c.count() {
		from, to := c.text()
		name, first := all[from:to], len(lines)
		for range c.count() {
			from, to := c.text()
			lines = append(lines, all[from:to])
		}
		into[name] = lines[first:len(lines):len(lines)]
	}
}

// nameBytes are the bytes of a token, in a table because each field of each
// answer goes through it.
var nameBytes = tableOf(isTchar)

// isName reports whether s can be the name of a field: a token (RFC 9110 section
// 5.1).
func isName[T string | []byte](s T) bool {
	for i := range len(s) {
		if !nameBytes[s[i]] {
			return false
		}
	}
	return len(s) > 0
}

// isValue reports whether s can be sent as the value of a field: line breaks
// would begin another field.
func isValue[T string | []byte](s T) bool {
	for i := range len(s) {
		if breaks(s[i]) {
			return false
		}
	}
	return true
}

// blank makes of b a value that can be sent.
func blank(b []byte) {
	for i, c := range b {
		if breaks(c) {
			b[i] = ' '
		}
	}
}

func breaks(c byte) bool { return c == '\r' || c == '\n' || c == 0 }
