package idempotency

import "strings"

// The character classes of RFC 9110 and RFC 9651 that keys, their parameters
// and the fields of multipart bodies are made of.

// skip returns what is left of s behind the characters of one class.
func skip(s string, class func(byte) bool) string {
	for i := range len(s) {
		if !class(s[i]) {
			return s[i:]
		}
	}
	return ""
}

// trimOWS takes optional white space (RFC 9110 section 5.6.3) off both ends.
// strings.Trim costs three times as much.
func trimOWS(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// tableOf looks a class up faster than asking it costs.
func tableOf(class func(byte) bool) (is [256]bool) {
	for c := range is {
		is[c] = class(byte(c))
	}
	return is
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isAlpha(c byte) bool { return isLower(c | 0x20) }

func isLowerHex(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'f' }

// unhex is the value of a digit that isLowerHex has seen.
func unhex(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c - 'a' + 10
}

// isTchar: tchar of RFC 9110, section 5.6.2.
func isTchar(c byte) bool {
	return isAlpha(c) || isDigit(c) || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// isTokenTail is what a Token of RFC 9651 goes on with, section 3.3.4.
func isTokenTail(c byte) bool { return isTchar(c) || c == ':' || c == '/' }

// isParameterKey is what the key of a parameter goes on with: RFC 9651, section
// 3.1.2.
func isParameterKey(c byte) bool {
	return isLower(c) || isDigit(c) || strings.IndexByte("_-.*", c) >= 0
}

func isBase64(c byte) bool { return isAlpha(c) || isDigit(c) || c == '+' || c == '/' }
