package etag

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name   string
		value  string
		opaque string
		weak   bool
	}{
		{"a strong tag", `"xyzzy"`, `xyzzy`, false},
		{"a weak tag", `W/"xyzzy"`, `xyzzy`, true},
		{"an empty opaque string is a tag", `""`, ``, false},
		{"and so is a weak one", `W/""`, ``, true},
		{"a comma is a character", `"a,b"`, `a,b`, false},
		{"a backslash is a character and escapes nothing", `"a\"`, `a\`, false},
		{"a star in quotes is a character", `"*"`, `*`, false},
		{"W/ inside the quotes marks nothing", `"W/a"`, `W/a`, false},
		{"the ends of the range of characters", "\"!#~\x80\xff\"", "!#~\x80\xff", false},
		{"whitespace around the value is not part of it", " \t\"a\"\t ", `a`, false},
		{"as long as a field may be", `"` + strings.Repeat("a", MaxFieldBytes-2) + `"`, strings.Repeat("a", MaxFieldBytes-2), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tag, err := Parse(test.value)
			require.NoError(t, err)
			assert.Equal(t, strings.Trim(test.value, ows), tag.String())
			assert.Equal(t, test.opaque, tag.Opaque())
			assert.Equal(t, test.weak, tag.IsWeak())
			assert.NotEqual(t, Tag{}, tag)
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, value := range map[string]string{
		"nothing":                         ``,
		"whitespace":                      " \t",
		"bare text":                       `abc`,
		"a star":                          `*`,
		"one quote":                       `"`,
		"no closing quote":                `"abc`,
		"no opening quote":                `abc"`,
		"a mark alone":                    `W/`,
		"a mark without quotes":           `W/abc`,
		"a mark in lower case":            `w/"abc"`,
		"a blank after the mark":          `W/ "abc"`,
		"two marks":                       `W/W/"abc"`,
		"single quotes":                   `'abc'`,
		"a blank inside":                  `"a b"`,
		"a tab inside":                    "\"a\tb\"",
		"a line feed inside":              "\"a\nb\"",
		"NUL inside":                      "\"a\x00b\"",
		"DEL inside":                      "\"a\x7fb\"",
		"text behind":                     `"abc"d`,
		"a quote behind":                  `"abc""`,
		"a list of two":                   `"a", "b"`,
		"a comma behind":                  `"a",`,
		"a suffix behind the quotes":      `"abc"-gzip`,
		"a line feed around the tag":      "\"abc\"\n",
		"one byte longer than a field is": `"` + strings.Repeat("a", MaxFieldBytes-1) + `"`,
	} {
		t.Run(name, func(t *testing.T) {
			tag, err := Parse(value)
			assert.Equal(t, Tag{}, tag)
			var field *FieldError
			require.ErrorAs(t, err, &field)
			assert.Equal(t, "ETag", field.Field)
			assert.NotContains(t, err.Error(), "abc", "errors do not echo the value")
		})
	}
}

func TestZeroTagIsNoTag(t *testing.T) {
	var zero Tag
	empty, err := Parse(`""`)
	require.NoError(t, err)
	assert.Empty(t, zero.String())
	assert.Empty(t, zero.Opaque())
	assert.False(t, zero.IsWeak())
	assert.NotEqual(t, zero, empty)
	for _, match := range []func(a, b Tag) bool{StrongMatch, WeakMatch} {
		assert.False(t, match(zero, zero))
		assert.False(t, match(zero, empty))
		assert.False(t, match(empty, zero))
		assert.True(t, match(empty, empty))
	}
}

// TestMatch is the table of RFC 9110, section 8.8.3.2, and the ways in which a
// comparison can be too generous.
func TestMatch(t *testing.T) {
	tests := []struct {
		a, b         string
		strong, weak bool
	}{
		{`W/"1"`, `W/"1"`, false, true},
		{`W/"1"`, `W/"2"`, false, false},
		{`W/"1"`, `"1"`, false, true},
		{`"1"`, `"1"`, true, true},
		{`"a"`, `"A"`, false, false},
		{`"abc"`, `"abcd"`, false, false},
		{`"bcd"`, `"abcd"`, false, false},
		{`"W/1"`, `W/"1"`, false, false},
		{`"W/1"`, `"1"`, false, false},
	}
	for _, test := range tests {
		t.Run(test.a+" and "+test.b, func(t *testing.T) {
			a, b := mustParse(t, test.a), mustParse(t, test.b)
			assert.Equal(t, test.strong, StrongMatch(a, b))
			assert.Equal(t, test.strong, StrongMatch(b, a))
			assert.Equal(t, test.weak, WeakMatch(a, b))
			assert.Equal(t, test.weak, WeakMatch(b, a))
		})
	}
}

func TestTagsAllocateNothing(t *testing.T) {
	a := mustParse(t, `W/"a"`)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		b, err := Parse(`"a"`)
		if err != nil || b.String() == "" || b.Opaque() != a.Opaque() || !WeakMatch(a, b) || StrongMatch(a, b) {
			t.Error("the tags are other than they should be")
		}
	}))
}

func mustParse(tb testing.TB, value string) Tag {
	tb.Helper()
	tag, err := Parse(value)
	require.NoError(tb, err)
	return tag
}
