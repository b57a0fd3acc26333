package etag

import (
	"errors"
	"net/http"
	"slices"
)

// The conditional fields of RFC 9110, section 13.1.
const (
	fieldIfMatch           = "If-Match"
	fieldIfNoneMatch       = "If-None-Match"
	fieldIfModifiedSince   = "If-Modified-Since"
	fieldIfUnmodifiedSince = "If-Unmodified-Since"
	fieldIfRange           = "If-Range"
)

// Preconditions are the conditional fields of one request: RFC 9110, section
// 13.1. The zero value has none. They are immutable, and safe for concurrent
// use.
type Preconditions struct {
	ifMatch           tagList
	ifNoneMatch       tagList
	ifModifiedSince   date
	ifUnmodifiedSince date
	ifRange           rangeCondition
}

// ParsePreconditions reads every field line of the conditional fields. The
// names in h are in canonical form, as package net/http leaves them.
//
// An If-Match or If-None-Match that cannot be read is reported as a
// [*FieldError]; both of them, joined, if both cannot. The Preconditions are
// good nonetheless, and refuse what they must: see
// [Preconditions.Evaluate]. A date that cannot be read or comes twice is
// ignored without an error, as the RFC says. An If-Range without a Range is
// ignored; one that cannot be read is false.
func ParsePreconditions(h http.Header) (Preconditions, error) {
	var p Preconditions
	p.parseForWrite(h, nil)
	p.parseForRead(h)
	return p, errors.Join(p.ifMatch.err(fieldIfMatch), p.ifNoneMatch.err(fieldIfNoneMatch))
}

// parseForWrite reads the fields that count on every method: If-Match displaces
// If-Unmodified-Since, which is then not looked for. A sole tag in
// If-Match goes to room, if that is not nil.
func (p *Preconditions) parseForWrite(h http.Header, room *[1]Tag) {
	p.ifMatch.parse(h[fieldIfMatch], room)
	p.ifNoneMatch.parse(h[fieldIfNoneMatch], nil)
	if !p.ifMatch.present {
		p.ifUnmodifiedSince = parseDateField(h[fieldIfUnmodifiedSince])
	}
}

// parseForRead reads those that a write must ignore.
func (p *Preconditions) parseForRead(h http.Header) {
	p.ifModifiedSince = parseDateField(h[fieldIfModifiedSince])
	if len(h["Range"]) > 0 {
		p.ifRange = parseIfRange(h[fieldIfRange])
	}
}

// IfMatch returns the entity tags of If-Match, weak ones included, which match
// nothing; or star, if the field is *. Absent or malformed, it gives neither.
// The slice is read-only.
func (p Preconditions) IfMatch() (tags []Tag, star bool) {
	if p.ifMatch.transformed {
		return withOriginals(p.ifMatch.tags), p.ifMatch.star
	}
	return slices.Clip(p.ifMatch.tags), p.ifMatch.star
}

// malformedFor is the error of a field that a request of this method must be
// refused for with 400, or nil. A malformed If-None-Match is no reason to
// refuse a read: without it, the client gets the whole representation.
func (p *Preconditions) malformedFor(method string) error {
	switch {
	case p.ifMatch.malformed == wellFormed && p.ifNoneMatch.malformed == wellFormed, !isConditional(method):
		return nil
	case isRead(method):
		return p.ifMatch.err(fieldIfMatch)
	}
	return errors.Join(p.ifMatch.err(fieldIfMatch), p.ifNoneMatch.err(fieldIfNoneMatch))
}

// hasAny reports whether the request has a field that Evaluate may act on for
// this method.
func (p *Preconditions) hasAny(method string) bool {
	write := p.ifMatch.present || p.ifNoneMatch.present || p.ifUnmodifiedSince.set
	if isRead(method) {
		return write || p.ifModifiedSince.set || p.ifRange.present
	}
	return write && isConditional(method)
}

// hasIfMatch reports whether there is an If-Match, * and malformed included.
func (p *Preconditions) hasIfMatch() bool { return p.ifMatch.present }

// noneMatchAny reports whether there is an If-None-Match: *, which says that
// the request means to create.
func (p *Preconditions) noneMatchAny() bool { return p.ifNoneMatch.star }

// hasUnmodifiedSince reports whether there is an If-Unmodified-Since that
// could be read.
func (p *Preconditions) hasUnmodifiedSince() bool { return p.ifUnmodifiedSince.set }

// needsTag reports whether the verdict depends on the current entity tag, and
// not only on whether there is a representation.
func (p *Preconditions) needsTag() bool {
	return len(p.ifMatch.tags) > 0 || len(p.ifNoneMatch.tags) > 0
}
