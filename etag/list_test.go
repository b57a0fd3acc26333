package etag

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestParseList(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		want  []string
	}{
		{"one tag", []string{`"a"`}, []string{`"a"`}},
		{"two tags", []string{`"a", "b"`}, []string{`"a"`, `"b"`}},
		{"without a blank", []string{`"a","b"`}, []string{`"a"`, `"b"`}},
		{"with blanks and tabs", []string{" \"a\"\t , \t\"b\" "}, []string{`"a"`, `"b"`}},
		{"weak and strong", []string{`W/"a", "a"`}, []string{`W/"a"`, `"a"`}},
		{"empty elements", []string{`,, "a" , ,"b",`}, []string{`"a"`, `"b"`}},
		{"several lines", []string{`"a"`, `W/"b", "c"`, `"d"`}, []string{`"a"`, `W/"b"`, `"c"`, `"d"`}},
		{"an empty line among others", []string{``, `"a"`, `,`}, []string{`"a"`}},
		{"a tag with commas", []string{`"a,b"`, `"c"`}, []string{`"a,b"`, `"c"`}},
		{"a star in quotes", []string{`"*"`}, []string{`"*"`}},
		{"an empty tag", []string{`"", W/""`}, []string{`""`, `W/""`}},
		{"one tag many times", []string{strings.Repeat(`"a",`, MaxListTags)}, slices.Repeat([]string{`"a"`}, MaxListTags)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := parseList(test.lines)
			got := make([]string, 0, len(l.tags))
			for _, tag := range l.tags {
				got = append(got, tag.String())
			}
			assert.Equal(t, test.want, got)
			assert.Equal(t, tagList{present: true, tags: l.tags}, l)
			assert.Equal(t, len(l.tags), cap(l.tags), "room for the tags and no more")
			assert.Equal(t, test.want, oracleReadList(test.lines).tags, "the oracle agrees")
		})
	}
	t.Run("an absent field", func(t *testing.T) {
		assert.Equal(t, tagList{}, parseList(nil))
		assert.Equal(t, tagList{}, parseList([]string{}))
	})
	t.Run("a star", func(t *testing.T) {
		assert.Equal(t, tagList{present: true, star: true}, parseList([]string{"*"}))
		assert.Equal(t, tagList{present: true, star: true}, parseList([]string{"\t * "}))
	})
}

func TestReasonsStateTheLimits(t *testing.T) {
	assert.Contains(t, reasonTooLong, strconv.Itoa(MaxFieldBytes))
	assert.Contains(t, reasonTooMany, strconv.Itoa(MaxListTags))
}

func TestParseListRefuses(t *testing.T) {
	tests := []struct {
		name   string
		lines  []string
		reason string
	}{
		{"an empty line", []string{``}, reasonEmpty},
		{"blanks", []string{" \t"}, reasonEmpty},
		{"commas", []string{`,, ,`}, reasonEmpty},
		{"two empty lines", []string{``, ``}, reasonEmpty},
		{"two stars", []string{`*`, `*`}, reasonStar},
		{"two stars in a line", []string{`*, *`}, reasonStar},
		{"a star first", []string{`*, "a"`}, reasonStar},
		{"a star last", []string{`"a", *`}, reasonStar},
		{"a star in a line of its own", []string{`"a"`, `*`}, reasonStar},
		{"a star and an empty element", []string{`*,`}, reasonStar},
		{"a star and an empty line", []string{`*`, ``}, reasonStar},
		{"a star with text", []string{`*a`}, reasonStar},
		{"bare text", []string{`abc`}, reasonNotAList},
		{"bare text behind a tag", []string{`"a", b`}, reasonNotAList},
		{"text that touches a tag", []string{`"a"b`}, reasonNotAList},
		{"no comma between tags", []string{`"a" "b"`}, reasonNotAList},
		{"tags that touch", []string{`"a""b"`}, reasonNotAList},
		{"a semicolon", []string{`"a"; "b"`}, reasonNotAList},
		{"no closing quote", []string{`"a`}, reasonNotAList},
		{"a tag over two lines", []string{`"a`, `b"`}, reasonNotAList},
		{"a mark in lower case", []string{`w/"a"`}, reasonNotAList},
		{"a blank inside a tag", []string{`"a b"`}, reasonNotAList},
		{"a line feed between tags", []string{"\"a\",\n\"b\""}, reasonNotAList},
		{"good lines around a bad one", []string{`"a"`, `b`, `"c"`}, reasonNotAList},
		{"one tag too many", []string{strings.Repeat(`"",`, MaxListTags+1)}, reasonTooMany},
		{"one tag too many over lines", slices.Repeat([]string{`""`}, MaxListTags+1), reasonTooMany},
		{"one byte too many", []string{`"` + strings.Repeat("a", MaxFieldBytes-2) + `"`}, reasonTooLong},
		{"too many empty lines", slices.Repeat([]string{``}, MaxFieldBytes+1), reasonTooLong},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, tagList{present: true, malformed: test.reason}, parseList(test.lines))
			assert.True(t, oracleReadList(test.lines).malformed, "the oracle agrees")
		})
	}
	t.Run("but takes the longest there may be", func(t *testing.T) {
		l := parseList([]string{`"` + strings.Repeat("a", MaxFieldBytes-3) + `"`})
		assert.Empty(t, l.malformed)
		assert.Len(t, l.tags, 1)
	})
}
