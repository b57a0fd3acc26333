package problem

import "strings"

// maxAccept bounds the work on one request's Accept fields, in bytes over all
// field lines. Browsers send some 150; a longer field is not read at all.
const maxAccept = 4 << 10

// form is what a problem can be rendered as.
type form int

const (
	formJSON form = iota // first, so that it wins ties
	formHTML
	formText
	forms // their number
)

// offers are the media types that Negotiate answers to, and with what. A client
// that asks for application/json can read application/problem+json.
var offers = [...]struct {
	form              form
	mainType, subType string
}{
	{formJSON, "application", "problem+json"},
	{formJSON, "application", "json"},
	{formHTML, "text", "html"},
	{formText, "text", "plain"},
}

// preferred returns the form that the lines of an Accept field prefer, as of
// RFC 9110 section 12.5.1: for each offer the most specific range that matches
// it counts, and the offer with the greatest weight wins. It is formJSON if
// nothing is acceptable: an error in a form that the client did not ask for is
// of more use to it than none.
func preferred(accept []string) form {
	total := 0
	for _, line := range accept {
		total += len(line)
	}
	if total > maxAccept {
		return formJSON
	}

	var best [len(offers)]struct{ specificity, weight int }
	for _, line := range accept {
		for line != "" {
			var element string
			element, line = cutUnquoted(line, ',')
			rng, ok := parseRange(element)
			if !ok {
				continue
			}
			for i, o := range offers {
				s := rng.specificity(o.mainType, o.subType)
				b := &best[i]
				switch {
				case s == 0 || s < b.specificity:
				case s > b.specificity:
					b.specificity, b.weight = s, rng.weight
				default:
					b.weight = max(b.weight, rng.weight)
				}
			}
		}
	}

	var weights [forms]int
	for i, o := range offers {
		weights[o.form] = max(weights[o.form], best[i].weight)
	}
	winner := formJSON
	for f, weight := range weights {
		if weight > weights[winner] {
			winner = form(f)
		}
	}
	return winner
}

// mediaRange is one element of an Accept field. Its parameters are dropped but
// for the weight, which is in thousandths: none of the offers has parameters
// that a client could tell apart.
type mediaRange struct {
	mainType, subType string
	weight            int
}

// specificity is 0 if the range does not match, and greater the more exactly it
// does.
func (m mediaRange) specificity(mainType, subType string) int {
	switch {
	case m.mainType == "*":
		return 1
	case !strings.EqualFold(m.mainType, mainType):
		return 0
	case m.subType == "*":
		return 2
	case strings.EqualFold(m.subType, subType):
		return 3
	}
	return 0
}

// parseRange reads one element. False: it is empty or malformed, and is passed
// over.
func parseRange(element string) (mediaRange, bool) {
	name, parameters := cutUnquoted(element, ';')
	mainType, subType, ok := strings.Cut(strings.Trim(name, " \t"), "/")
	if !ok || !isToken(mainType) || !isToken(subType) || mainType == "*" && subType != "*" {
		return mediaRange{}, false
	}
	m := mediaRange{mainType, subType, 1000}
	for parameters != "" {
		var parameter string
		parameter, parameters = cutUnquoted(parameters, ';')
		key, value, _ := strings.Cut(strings.Trim(parameter, " \t"), "=")
		if strings.EqualFold(key, "q") {
			m.weight, ok = parseWeight(value)
			return m, ok // what follows are extensions, which RFC 9110 dropped
		}
	}
	return m, true
}

// parseWeight reads a qvalue (RFC 9110 section 12.4.2) as thousandths: 0 or 1,
// with at most three digits after the point, and never more than 1.
func parseWeight(s string) (int, bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	if whole != "0" && whole != "1" || len(fraction) > 3 {
		return 0, false
	}
	weight := int(whole[0] - '0')
	for i := range 3 {
		digit := byte('0')
		if i < len(fraction) {
			digit = fraction[i]
		}
		if digit < '0' || digit > '9' {
			return 0, false
		}
		weight = weight*10 + int(digit-'0')
	}
	return weight, weight <= 1000
}

// cutUnquoted is strings.Cut at the first separator that is not within a quoted
// string. Like an element that ends in one, an empty rest ends the list.
func cutUnquoted(s string, separator byte) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == separator && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// isToken reports whether s is a token as of RFC 9110 section 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		letterOrDigit := '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letterOrDigit && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}
