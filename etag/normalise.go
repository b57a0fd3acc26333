package etag

import "strings"

// normalise reads the ETag that a handler set by hand. A valid entity tag is
// taken as it is, and bare text is quoted, because passed on bare it would
// never match what a client sends back. Anything else is false.
//
// Bare text that begins with W/ or w/ is refused rather than quoted: it was
// meant to be weak, and quoting it whole would make it strong.
func normalise(value string) (Tag, bool) {
	if tag, err := Parse(value); err == nil {
		return tag, true
	}
	bare := strings.Trim(value, ows)
	if bare == "" || len(bare)+len(`""`) > MaxFieldBytes {
		return Tag{}, false
	}
	if len(bare) >= len(weakMark) && strings.EqualFold(bare[:len(weakMark)], weakMark) {
		return Tag{}, false
	}
	for i := range len(bare) {
		if !isOpaque(bare[i]) {
			return Tag{}, false
		}
	}
	return Tag{`"` + bare + `"`}, true
}
