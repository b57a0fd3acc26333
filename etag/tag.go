package etag

import "strings"

// Tag is an entity tag, the validator of RFC 9110, section 8.8.3: an opaque
// string in quotes, marked by W/ if it is weak.
//
// Tags are comparable: two are == exactly if they are the same field value,
// mark included. Whether they match is another question, which [StrongMatch]
// and [WeakMatch] answer. The zero Tag is no tag; it matches nothing, not even
// itself, and differs from the valid tag "" whose opaque string is empty.
type Tag struct {
	text string // the field value itself, so that String and Parse copy nothing
}

const (
	weakMark = "W/"  // case-sensitive: RFC 9110, section 8.8.3
	ows      = " \t" // optional whitespace: RFC 9110, section 5.6.3
)

// Parse reads the value of an ETag field: one entity tag, and nothing else but
// optional whitespace around it. A value over [MaxFieldBytes] is an error, as
// no client could send it back. The error is a [*FieldError] for the field
// ETag. The Tag shares the memory of value.
func Parse(value string) (Tag, error) {
	if len(value) > MaxFieldBytes {
		return Tag{}, &FieldError{Field: "ETag", Reason: tooLong.String()}
	}
	tag, rest, ok := scanTag(strings.Trim(value, ows))
	if !ok || rest != "" {
		return Tag{}, &FieldError{Field: "ETag", Reason: "not one entity tag"}
	}
	return tag, nil
}

// String is the field value: what an ETag field carries. The zero Tag gives "".
func (t Tag) String() string { return t.text }

// IsWeak reports whether the tag carries the mark W/, so that it says only
// that two representations are equivalent and not that their bytes are equal.
func (t Tag) IsWeak() bool { return strings.HasPrefix(t.text, weakMark) }

// Opaque is what stands between the quotes, backslashes as they are: an entity
// tag knows no escapes. The zero Tag gives "".
func (t Tag) Opaque() string {
	quoted := strings.TrimPrefix(t.text, weakMark)
	if quoted == "" {
		return ""
	}
	return quoted[1 : len(quoted)-1]
}

// StrongMatch is the strong comparison of RFC 9110, section 8.8.3.2: neither
// tag is weak, and their opaque strings are the same. It is the comparison of
// If-Match and If-Range.
func StrongMatch(a, b Tag) bool {
	return a != Tag{} && a == b && !a.IsWeak()
}

// WeakMatch is the weak comparison of RFC 9110, section 8.8.3.2: the opaque
// strings are the same, weak or not. It is the comparison of If-None-Match.
func WeakMatch(a, b Tag) bool {
	return a != Tag{} && b != Tag{} && a.Opaque() == b.Opaque()
}

// scanTag takes one entity tag off the front of s, which begins without
// whitespace. False: s does not begin with one.
func scanTag(s string) (tag Tag, rest string, ok bool) {
	quoted := strings.TrimPrefix(s, weakMark)
	if quoted == "" || quoted[0] != '"' {
		return Tag{}, "", false
	}
	for i := len(s) - len(quoted) + 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return Tag{s[:i+1]}, s[i+1:], true
		case !isOpaque(c):
			return Tag{}, "", false
		}
	}
	return Tag{}, "", false
}

// isOpaque reports whether c may stand between the quotes: etagc of RFC 9110,
// section 8.8.3, every visible character but the quote, and obs-text. Commas
// and backslashes are characters like any other.
func isOpaque(c byte) bool {
	return c == 0x21 || c >= 0x23 && c <= 0x7e || c >= 0x80
}
