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

func parseList(lines []string) (l tagList) {
	l.parse(lines, nil)
	return l
}

func TestReasonsStateTheLimits(t *testing.T) {
	assert.Contains(t, tooLong.String(), strconv.Itoa(MaxFieldBytes))
	assert.Contains(t, tooMany.String(), strconv.Itoa(MaxListTags))
}

func TestParseListRefuses(t *testing.T) {
	tests := []struct {
		name   string
		lines  []string
		reason reason
	}{
		{"an empty line", []string{``}, empty},
		{"blanks", []string{" \t"}, empty},
		{"commas", []string{`,, ,`}, empty},
		{"two empty lines", []string{``, ``}, empty},
		{"two stars", []string{`*`, `*`}, starBeside},
		{"two stars in a line", []string{`*, *`}, starBeside},
		{"a star first", []string{`*, "a"`}, starBeside},
		{"a star last", []string{`"a", *`}, starBeside},
		{"a star in a line of its own", []string{`"a"`, `*`}, starBeside},
		{"a star and an empty element", []string{`*,`}, starBeside},
		{"a star and an empty line", []string{`*`, ``}, starBeside},
		{"a star with text", []string{`*a`}, starBeside},
		{"bare text", []string{`abc`}, notAList},
		{"bare text behind a tag", []string{`"a", b`}, notAList},
		{"text that touches a tag", []string{`"a"b`}, notAList},
		{"no comma between tags", []string{`"a" "b"`}, notAList},
		{"tags that touch", []string{`"a""b"`}, notAList},
		{"a semicolon", []string{`"a"; "b"`}, notAList},
		{"no closing quote", []string{`"a`}, notAList},
		{"a tag over two lines", []string{`"a`, `b"`}, notAList},
		{"a mark in lower case", []string{`w/"a"`}, notAList},
		{"a blank inside a tag", []string{`"a b"`}, notAList},
		{"a line feed between tags", []string{"\"a\",\n\"b\""}, notAList},
		{"good lines around a bad one", []string{`"a"`, `b`, `"c"`}, notAList},
		{"one tag too many", []string{strings.Repeat(`"",`, MaxListTags+1)}, tooMany},
		{"one tag too many over lines", slices.Repeat([]string{`""`}, MaxListTags+1), tooMany},
		{"one byte too many", []string{`"` + strings.Repeat("a", MaxFieldBytes-2) + `"`}, tooLong},
		{"too many empty lines", slices.Repeat([]string{``}, MaxFieldBytes+1), tooLong},
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
