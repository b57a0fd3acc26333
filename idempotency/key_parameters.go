package idempotency

import (
	"strings"
	"unicode/utf8"
)

// This file reads the grammar of RFC 9651 as far as a key can be followed by
// it. Nothing is made of the values. Each cut function takes one construct off
// the front of s and returns what is behind it; false: s does not begin so.

// areParameters reports whether s is parameters, or nothing (section 4.2.3.2).
// Blanks may stand behind a semicolon, and nowhere else.
func areParameters(s string) bool {
	for s != "" {
		if s[0] != ';' {
			return false
		}
		var ok bool
		if s, ok = cutParameter(strings.TrimLeft(s[1:], " ")); !ok {
			return false
		}
	}
	return true
}

// cutParameter takes off a key and its value. A key alone means true.
func cutParameter(s string) (rest string, ok bool) {
	if s == "" || !isLower(s[0]) && s[0] != '*' {
		return "", false
	}
	s = skip(s, isParameterKey)
	if s == "" || s[0] != '=' {
		return s, true
	}
	return cutBareItem(s[1:])
}

// cutBareItem takes off a value of any type (section 4.2.3.1).
func cutBareItem(s string) (rest string, ok bool) {
	if s == "" {
		return "", false
	}
	switch c := s[0]; {
	case c == '"':
		_, _, rest, ok = cutString(s)
		return rest, ok
	case c == '-' || isDigit(c):
		rest, _, ok = cutNumber(s)
		return rest, ok
	case isAlpha(c) || c == '*':
		return skip(s, isTokenTail), true
	case c == ':':
		return cutBytes(s[1:])
	case c == '?':
		return cutBoolean(s[1:])
	case c == '@':
		rest, decimal, ok := cutNumber(s[1:])
		return rest, ok && !decimal
	case c == '%':
		return cutDisplayString(s[1:])
	}
	return "", false
}

// cutString takes off a String (section 4.2.5), and returns what is between the
// quotes as it was sent, and how many of its characters only escape the next.
func cutString(s string) (text string, escapes int, rest string, ok bool) {
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return s[1:i], escapes, s[i+1:], true
		case c == '\\':
			i++
			if i == len(s) || s[i] != '"' && s[i] != '\\' {
				return "", 0, "", false
			}
			escapes++
		case c < ' ' || c > '~':
			return "", 0, "", false
		}
	}
	return "", 0, "", false
}

// cutNumber takes off an Integer of up to 15 digits, or a Decimal of up to 12
// and then up to 3 behind the point (section 4.2.4).
func cutNumber(s string) (rest string, decimal, ok bool) {
	s = strings.TrimPrefix(s, "-")
	rest = skip(s, isDigit)
	whole := len(s) - len(rest)
	if whole == 0 || whole > 15 {
		return "", false, false
	}
	if rest == "" || rest[0] != '.' {
		return rest, false, true
	}
	s = rest[1:]
	rest = skip(s, isDigit)
	fraction := len(s) - len(rest)
	return rest, true, whole <= 12 && fraction >= 1 && fraction <= 3
}

// cutBytes takes off a Byte Sequence behind its first colon (section 4.2.7).
// Padding may be left out, but what there is must be right: no base64 has one
// character more than a multiple of four.
func cutBytes(s string) (rest string, ok bool) {
	encoded, rest, ok := strings.Cut(s, ":")
	text := strings.TrimRight(encoded, "=")
	padding := len(encoded) - len(text)
	ok = ok && skip(text, isBase64) == "" && len(text)%4 != 1 &&
		(padding == 0 || padding <= 2 && len(encoded)%4 == 0)
	return rest, ok
}

func cutBoolean(s string) (rest string, ok bool) {
	if s == "" || s[0] != '0' && s[0] != '1' {
		return "", false
	}
	return s[1:], true
}

// cutDisplayString takes off a Display String behind its percent sign (section
// 4.2.10): ASCII in quotes that knows percent-encoding in lower case and no
// backslash, and stands for UTF-8.
func cutDisplayString(s string) (rest string, ok bool) {
	if s == "" || s[0] != '"' {
		return "", false
	}
	decoded := make([]byte, 0, 64)
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return s[i+1:], utf8.Valid(decoded)
		case c == '%':
			if len(s)-i < 3 || !isLowerHex(s[i+1]) || !isLowerHex(s[i+2]) {
				return "", false
			}
			decoded = append(decoded, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		case c < ' ' || c > '~':
			return "", false
		default:
			decoded = append(decoded, c)
		}
	}
	return "", false
}
