package etag

import "strings"

// What intermediaries append to the opaque string when they change the content
// coding: a separator and the name of the coding. Apache and Caddy write
// -gzip, Jetty --gzip, Flask :gzip. Gunzip is what Apache writes when it
// decodes.
var (
	separators = [...]string{"-", "--", ":", ";", "/"}
	codings    = [...]string{"gzip", "br", "zstd", "deflate", "gunzip"}
)

// transformed returns preconditions whose listed tags also stand for what they
// may have been before an intermediary changed the content coding: the tag
// without the mark W/, which nginx and HAProxy set, and without one suffix. The
// tags as they came count as before.
//
// This gives up a little: where a server's own tags end in such a suffix,
// "a-gzip" also stands for "a".
func (p Preconditions) transformed() Preconditions {
	p.acceptTransformed()
	return p
}

func (p *Preconditions) acceptTransformed() {
	p.ifMatch.transformed = true
	p.ifNoneMatch.transformed = true
}

// originals yields the opaque strings that t may have had, as a strong tag,
// before it was transformed: three at most. Two suffixes can fit, because a tag
// that ends in a hyphen and got -gzip looks like one that got --gzip.
func (t Tag) originals(yield func(opaque string) bool) {
	opaque := t.Opaque()
	if t.IsWeak() && !yield(opaque) {
		return
	}
	for _, coding := range codings {
		rest, ok := strings.CutSuffix(opaque, coding)
		if !ok {
			continue
		}
		for _, separator := range separators {
			if original, ok := strings.CutSuffix(rest, separator); ok && !yield(original) {
				return
			}
		}
	}
}

// mayHaveBeen reports whether t can be what an intermediary made of original.
// A weak original never is: it identifies no bytes, so nothing may be written
// on its word, and If-None-Match compares weakly anyway.
func (t Tag) mayHaveBeen(original Tag) bool {
	if original == (Tag{}) || original.IsWeak() {
		return false
	}
	for opaque := range t.originals {
		if opaque == original.Opaque() {
			return true
		}
	}
	return false
}

// withOriginals returns tags and what they may have been. It does not write to
// tags, which others may hold.
func withOriginals(tags []Tag) []Tag {
	all := tags[:len(tags):len(tags)]
	for _, tag := range tags {
		for opaque := range tag.originals {
			all = append(all, Tag{`"` + opaque + `"`})
		}
	}
	return all
}
