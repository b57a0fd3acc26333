package collapse

import (
	"iter"
	"net/textproto"
	"strings"
)

// elements returns the members of a list (RFC 9110 section 5.6.1) over all
// lines. A comma inside a quoted string divides it too: that makes more members
// than there are, and so can only find a reason not to share that is none.
func elements(lines []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range lines {
			for element := range strings.SplitSeq(line, ",") {
				if element = textproto.TrimString(element); element != "" && !yield(element) {
					return
				}
			}
		}
	}
}

// hasDirective reports whether a Cache-Control (RFC 9111 section 5.2) has one of
// two directives, with or without an argument.
func hasDirective(lines []string, one, other string) bool {
	for _, line := range lines {
		for more := true; more; {
			var element string
			element, line, more = strings.Cut(line, ",")
			name, _, _ := strings.Cut(element, "=")
			name = strings.Trim(name, "\" \t")
			if strings.EqualFold(name, one) || strings.EqualFold(name, other) {
				return true
			}
		}
	}
	return false
}

// forbidsSharing reports whether a request wants an answer of its own making.
func forbidsSharing(cacheControl []string) bool {
	for i, value := range cacheControl {
		if strings.IndexByte(value, '-') >= 0 && hasDirective(cacheControl[i:i+1], "no-cache", "no-store") {
			return true
		}
	}
	return false
}

// wantsEvents reports whether a request opens an event stream, on which a server
// may well keep an account of each connection.
func wantsEvents(accept []string) bool {
	for _, value := range accept {
		if strings.IndexByte(value, '-') >= 0 && strings.Contains(strings.ToLower(value), "text/event-stream") {
			return true
		}
	}
	return false
}

// namesFields reports whether a Connection (RFC 9110 section 7.6.1) says more
// than whether it stays. The fields that it names a proxy drops, and they may be
// what the answer depends on.
func namesFields(options []string) bool {
	for _, line := range options {
		for more := true; more; {
			var option string
			option, line, more = strings.Cut(line, ",")
			option = textproto.TrimString(option)
			if option != "" && !strings.EqualFold(option, "keep-alive") && !strings.EqualFold(option, "close") {
				return true
			}
		}
	}
	return false
}
