package etag

import (
	"net/http"
	"strings"
	"time"
)

// date is an HTTP-date, in whole seconds. The zero value is an absent or
// ignored field; a flag says so, and not a zero time, because a client may
// send the year 1.
type date struct {
	set  bool
	unix int64
}

// dateOf is what a Last-Modified field would say: the fraction cut off.
func dateOf(t time.Time) date {
	if t.IsZero() {
		return date{}
	}
	return date{set: true, unix: t.Unix()}
}

// parseDateField reads If-Modified-Since or If-Unmodified-Since. A value that
// is no date, and a field that comes twice, are ignored: RFC 9110, sections
// 13.1.3 and 13.1.4.
func parseDateField(lines []string) date {
	value, ok := singleValue(lines)
	if !ok {
		return date{}
	}
	return parseDate(value)
}

// singleValue returns the value of a field that must not come twice, without
// the whitespace around it.
func singleValue(lines []string) (string, bool) {
	if len(lines) != 1 || len(lines[0]) > MaxFieldBytes {
		return "", false
	}
	return strings.Trim(lines[0], ows), true
}

// The forms of an HTTP-date: RFC 9110, section 5.6.7.
const (
	layoutIMF      = http.TimeFormat
	layoutRFC850   = "Monday, 02-Jan-06 15:04:05 GMT" // time.RFC850 would take any zone
	layoutASC      = time.ANSIC                       // one-digit days after a blank
	layoutASCZero  = "Mon Jan 02 15:04:05 2006"       // or after a zero
	maxDateBytes   = len("Wednesday, 09-Nov-94 08:49:37 GMT")
	ascDayPosition = len("Sun Nov ")
)

// parseDate reads the three forms as [http.ParseTime] does, but takes only
// what the grammar takes. It is unset if value is no date.
//
// The name of the day is not held against the date, nor its case: to ignore an
// If-Unmodified-Since for a wrong name would let a write through that the
// client wanted guarded. Two-digit years turn at 1969, as in package time, and
// not fifty years from now, so that parsing needs no clock; the earlier reading
// is the one that refuses writes and sends bodies. A leap second, for which
// package time has no value, is no date.
func parseDate(value string) date {
	if len(value) > maxDateBytes {
		return date{}
	}
	layout := layoutOf(value)
	if layout == "" {
		return date{}
	}
	t, err := time.Parse(layout, value)
	if err != nil {
		return date{}
	}
	// Package time forgives fractions, missing zeros and lower case; what it
	// would write itself shows them.
	var room [maxDateBytes]byte
	if afterDayName(string(t.AppendFormat(room[:0], layout))) != afterDayName(value) {
		return date{}
	}
	return date{set: true, unix: t.Unix()}
}

// layoutOf tells the forms apart, so that only one is tried.
func layoutOf(value string) string {
	switch {
	case len(value) == len(layoutIMF) && value[len("Sun")] == ',':
		return layoutIMF
	case strings.Contains(value, ","):
		return layoutRFC850
	case len(value) != len(layoutASC):
		return ""
	case value[ascDayPosition] == ' ':
		return layoutASC
	default:
		return layoutASCZero
	}
}

func afterDayName(value string) string {
	return value[strings.IndexAny(value, ", "):]
}
