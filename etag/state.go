package etag

import "time"

// State is what a precondition is judged against: the validators of the
// selected representation, the one that a GET of the same target would send.
type State struct {
	// Exists says that there is a representation. Without one, Tag and
	// LastModified mean nothing.
	Exists bool
	// Tag is the current entity tag. Zero: there is none, and every list of
	// tags is compared with nothing.
	Tag Tag
	// LastModified counts in whole seconds, as on the wire. Zero: unknown, and
	// dates are ignored. Given, it promises that the representation does not
	// change twice within a second, or an If-Range with a date may join parts
	// of two representations (RFC 9110, section 8.8.2.2).
	LastModified time.Time
}

// Verdict is what the preconditions of a request demand.
type Verdict uint8

// The verdicts.
const (
	// Failed means that a precondition is false: answer 412, change nothing. It
	// is the zero value, so that a Result that nobody filled in refuses.
	Failed Verdict = iota
	// Proceed means that nothing stands against the request.
	Proceed
	// NotModified means that the answer is 304. Given for GET and HEAD alone.
	NotModified
	// IgnoreRange means to proceed as if the request had no Range field. Given
	// for GET alone.
	IgnoreRange
)

// String is the verdict's name in lower case, for logs.
func (v Verdict) String() string {
	switch v {
	case Failed:
		return "failed"
	case Proceed:
		return "proceed"
	case NotModified:
		return "not modified"
	case IgnoreRange:
		return "ignore range"
	}
	return "unknown verdict"
}

// Result is a verdict, and which field decided it. The zero Result refuses.
type Result struct {
	Verdict Verdict
	// Field is the canonical name of the field that decided: "If-Match". It
	// is "" if and only if the verdict is Proceed.
	Field string
}
