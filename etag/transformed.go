package etag

import "strings"

// suffixes are what intermediaries append to the opaque string when they code
// the content. Apache and Caddy write -gzip, Jetty --gzip.
var suffixes = [...]string{
	"-gzip", "-br", "-zstd", "-deflate", "-gunzip",
	"--gzip", "--br", "--zstd", "--deflate",
	";gzip", ";br", ";zstd", ";deflate",
	"/gzip", "/br", "/zstd", "/deflate",
}

// transformed returns the preconditions with the tags added that the listed
// ones may have been before an intermediary compressed the representation:
// without the mark W/ that nginx, Varnish and Tomcat set, and without a suffix.
// Each tag adds three at most, so the lists stay bounded.
func (p Preconditions) transformed() Preconditions {
	p.ifMatch.tags = withOriginals(p.ifMatch.tags)
	p.ifNoneMatch.tags = withOriginals(p.ifNoneMatch.tags)
	return p
}

// withOriginals does not write to tags, which others may hold.
func withOriginals(tags []Tag) []Tag {
	all := tags[:len(tags):len(tags)]
	for _, tag := range tags {
		if tag.IsWeak() {
			all = append(all, Tag{strings.TrimPrefix(tag.text, weakMark)})
		}
		opaque := tag.Opaque()
		for _, suffix := range suffixes {
			// Not the first suffix alone: a tag that ends in a hyphen and got
			// -gzip looks like one that got --gzip.
			if original, ok := strings.CutSuffix(opaque, suffix); ok {
				all = append(all, Tag{`"` + original + `"`})
			}
		}
	}
	return all
}
