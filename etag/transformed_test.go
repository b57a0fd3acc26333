package etag

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTransformedTags(t *testing.T) {
	tests := []struct {
		name, sent string
		passes     bool // If-Match, while the current tag is "x-1"
	}{
		{"as the server sent it", `"x-1"`, true},
		{"nginx, HAProxy", `W/"x-1"`, true},
		{"Apache, Caddy", `"x-1-gzip"`, true},
		{"Apache, decoding", `"x-1-gunzip"`, true},
		{"Caddy", `"x-1-zstd"`, true},
		{"mod_brotli", `"x-1-br"`, true},
		{"Jetty", `"x-1--gzip"`, true},
		{"Flask", `"x-1:deflate"`, true},
		{"a semicolon", `"x-1;gzip"`, true},
		{"a slash", `"x-1/gzip"`, true},
		{"one with a suffix behind one with a mark", `W/"x-1-gzip"`, true},
		{"another tag with a suffix", `"x-2-gzip"`, false},
		{"a suffix without a separator", `"x-1gzip"`, false},
		{"a suffix in upper case", `"x-1-GZIP"`, false},
		{"two suffixes", `"x-1-br-gzip"`, false},
		{"a suffix in front", `"gzip-x-1"`, false},
		{"an unknown suffix", `"x-1-lz4"`, false},
		{"a suffix alone", `"-gzip"`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := current(t, `"x-1"`)
			p := mustRead(t, http.Header{"If-Match": {`"y", ` + test.sent}})
			assert.Equal(t, test.passes, p.transformed().Evaluate("PUT", s).Verdict == Proceed)
			assert.Equal(t, test.sent == `"x-1"`, p.Evaluate("PUT", s).Verdict == Proceed, "and not unasked")
			p = mustRead(t, http.Header{"If-None-Match": {test.sent}})
			assert.Equal(t, test.passes, p.transformed().Evaluate("GET", s).Verdict == NotModified)
		})
	}
}

func TestTransformedKeepsTheOriginals(t *testing.T) {
	for _, now := range []string{`"a-gzip"`, `"a"`, `"a-"`} {
		p := mustRead(t, http.Header{"If-Match": {now}})
		assert.Equal(t, Proceed, p.transformed().Evaluate("PUT", current(t, now)).Verdict)
	}
	// Of makes tags that end in a hyphen.
	p := mustRead(t, http.Header{"If-Match": {`"a--gzip"`}})
	assert.Equal(t, Proceed, p.transformed().Evaluate("PUT", current(t, `"a-"`)).Verdict)
	assert.Equal(t, Proceed, p.transformed().Evaluate("PUT", current(t, `"a"`)).Verdict)
	// A weak tag of the server's own still matches nothing.
	p = mustRead(t, http.Header{"If-Match": {`W/"a"`}})
	assert.Equal(t, Failed, p.transformed().Evaluate("PUT", current(t, `W/"a"`)).Verdict)
	// Stars and absent fields stay what they are.
	p = mustRead(t, http.Header{"If-Match": {"*"}})
	assert.Equal(t, Proceed, p.transformed().Evaluate("PUT", current(t, `"a"`)).Verdict)
	assert.Equal(t, Failed, p.transformed().Evaluate("PUT", State{}).Verdict)
	none := Preconditions{}.transformed()
	assert.False(t, none.hasAny("GET"))
	// Nothing was never anything.
	p = mustRead(t, http.Header{"If-Match": {`"-gzip", W/""`}})
	assert.Equal(t, Failed, p.transformed().Evaluate("PUT", State{Exists: true}).Verdict)
	assert.Equal(t, Proceed, p.transformed().Evaluate("PUT", current(t, `""`)).Verdict)
}

func TestTransformedIfMatch(t *testing.T) {
	p := mustRead(t, http.Header{"If-Match": {`W/"v3-gzip", "v4"`}}).transformed()
	tags, star := p.IfMatch()
	assert.False(t, star)
	assert.Equal(t, []Tag{mustParse(t, `W/"v3-gzip"`), FromVersion(4), mustParse(t, `"v3-gzip"`), FromVersion(3)}, tags)
}

func TestTransformedIsBounded(t *testing.T) {
	p := mustRead(t, http.Header{"If-Match": {strings.Repeat(`W/"a--gzip",`, MaxListTags)}}).transformed()
	tags, _ := p.IfMatch()
	assert.Len(t, tags, 4*MaxListTags)
	s := current(t, `"b"`)
	assert.Zero(t, testing.AllocsPerRun(10, func() { p.Evaluate("PUT", s) }))
}
