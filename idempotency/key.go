package idempotency

// Limits on an Idempotency-Key. The first is what clients go by; the
// second bounds what is read at all, parameters included, so that a hostile
// field costs microseconds.
const (
	maxKeyLength = 255     // characters, counted unescaped
	maxKeyField  = 4 << 10 // bytes of the field's line
)

// keyError says why a field names no key, as the rest of a sentence that begins
// with the field's name. It is shown to clients and never quotes the field.
type keyError string

// Error implements error.
func (e keyError) Error() string { return string(e) }

const (
	errKeyEmpty      keyError = "it is empty"
	errKeyTwice      keyError = "it comes in several field lines"
	errKeyTooLong    keyError = "it is longer than 255 characters"
	errKeyField      keyError = "the field is longer than 4 KiB"
	errKeyCharacter  keyError = "it has a character that a key without quotes cannot have"
	errKeyString     keyError = "it begins with a quote and is not a string of RFC 9651"
	errKeyParameters keyError = "what follows the closing quote is not parameters of RFC 9651"
	errKeyUnquoted   keyError = "it is not in quotes"
)

// ows is the whitespace that may stand around a field's value (RFC 9110,
// section 5.6.3).
const ows = " \t"

// parseKey returns the key that the lines of the field name: unescaped, 1 to
// 255 characters. The quoted form is a String of RFC 9651, section 3.3.3, whose
// parameters must be well-formed and mean nothing; the same characters bare are
// the same key, unless strict. Any error is a [keyError].
//
// That the field is absent is for the caller to see: no lines are an error here.
func parseKey(lines []string, strict bool) (string, error) {
	switch {
	case len(lines) == 0:
		return "", errKeyEmpty
	case len(lines) > 1:
		return "", errKeyTwice
	case len(lines[0]) > maxKeyField:
		return "", errKeyField
	}
	value := trimOWS(lines[0])
	switch {
	case value == "":
		return "", errKeyEmpty
	case value[0] == '"':
		return quotedKey(value)
	case strict:
		return "", errKeyUnquoted
	}
	return bareKey(value)
}

func quotedKey(value string) (string, error) {
	text, escapes, rest, ok := cutString(value)
	switch {
	case !ok:
		return "", errKeyString
	case !areParameters(rest):
		return "", errKeyParameters
	case text == "":
		return "", errKeyEmpty
	case len(text)-escapes > maxKeyLength:
		return "", errKeyTooLong
	case escapes == 0:
		return text, nil
	}
	return unescape(text), nil
}

// unescape takes the backslashes that escape off text, of which each escapes
// the character behind it.
func unescape(text string) string {
	b := make([]byte, 0, maxKeyLength)
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' {
			i++
		}
		b = append(b, text[i])
	}
	return string(b)
}

func bareKey(value string) (string, error) {
	if len(value) > maxKeyLength {
		return "", errKeyTooLong
	}
	for i := range len(value) {
		if !bareCharacters[value[i]] {
			return "", errKeyCharacter
		}
	}
	return value, nil
}

// bareCharacters are in a table because each key goes through it.
var bareCharacters = tableOf(isBareCharacter)

// isBareCharacter leaves out what would make a bare key something else once it
// is quoted, and the comma, by which proxies join field lines.
func isBareCharacter(c byte) bool {
	switch c {
	case '"', ',', ';', '\\':
		return false
	}
	return c > ' ' && c < 0x7f
}
