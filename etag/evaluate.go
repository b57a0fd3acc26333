package etag

import "net/http"

// Evaluate judges the preconditions in the order of RFC 9110, section 13.2.2.
// It is pure, and allocates nothing.
//
// A malformed If-Match never holds, and neither does a malformed If-None-Match
// but on GET and HEAD, where it is ignored; so a caller that overlooks the
// error of [ParsePreconditions] refuses too much and not too little. Present
// but malformed, each still displaces the date of its kind, since the RFC asks
// whether the request contains the field and not whether it can be read.
//
// Preconditions count only if the request would succeed without them (section
// 13.2.1); that is for the caller to find out.
func (p Preconditions) Evaluate(method string, s State) Result {
	if !isConditional(method) {
		return Result{Verdict: Proceed}
	}
	if !s.Exists {
		s = State{}
	}
	modified := dateOf(s.LastModified)

	// Steps 1 and 2.
	switch {
	case p.ifMatch.present:
		if !p.ifMatch.holdsForMatch(s) {
			return Result{Failed, fieldIfMatch}
		}
	case p.ifUnmodifiedSince.set && modified.set:
		if modified.unix > p.ifUnmodifiedSince.unix {
			return Result{Failed, fieldIfUnmodifiedSince}
		}
	}

	// Steps 3 and 4.
	switch {
	case p.ifNoneMatch.present:
		if !p.ifNoneMatch.holdsForNoneMatch(method, s) {
			return Result{refusal(method), fieldIfNoneMatch}
		}
	case p.ifModifiedSince.set && modified.set && isRead(method):
		if modified.unix <= p.ifModifiedSince.unix {
			return Result{NotModified, fieldIfModifiedSince}
		}
	}

	// Step 5.
	if p.ifRange.present && method == http.MethodGet && !p.ifRange.holds(s) {
		return Result{IgnoreRange, fieldIfRange}
	}
	return Result{Verdict: Proceed}
}

// holdsForMatch: section 13.1.1. A malformed list has no tags, so it does not.
func (l tagList) holdsForMatch(s State) bool {
	if l.star {
		return s.Exists
	}
	return l.matches(s.Tag, StrongMatch)
}

// holdsForNoneMatch: section 13.1.2.
func (l tagList) holdsForNoneMatch(method string, s State) bool {
	switch {
	case l.malformed != wellFormed:
		return isRead(method)
	case l.star:
		return !s.Exists
	}
	return !l.matches(s.Tag, WeakMatch)
}

// refusal is what a false If-None-Match means: a reader has the representation
// already, a writer must not go ahead.
func refusal(method string) Verdict {
	if isRead(method) {
		return NotModified
	}
	return Failed
}

func isRead(method string) bool {
	return method == http.MethodGet || method == http.MethodHead
}

// isConditional reports whether a method selects or modifies a representation.
// The others take no preconditions: section 13.2.1.
func isConditional(method string) bool {
	switch method {
	case http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return false
	}
	return true
}
