package etag

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func unquotedHandlerTag(t *testing.T) {
	for value, want := range map[string]string{
		`"abc"`:                              `"abc"`,
		`W/"abc"`:                            `W/"abc"`,
		` "abc" `:                            `"abc"`,
		`""`:                                 `""`,
		`abc`:                                `"abc"`,
		` abc `:                              `"abc"`,
		`a,b`:                                `"a,b"`,
		`33a64df5-`:                          `"33a64df5-"`,
		`a\b`:                                `"a\b"`,
		"\xc3\xa4":                           "\"\xc3\xa4\"",
		strings.Repeat("a", MaxFieldBytes-2): `"` + strings.Repeat("a", MaxFieldBytes-2) + `"`,
	} {
		tag, ok := normalise(value)
		assert.True(t, ok, value)
		assert.Equal(t, want, tag.String())
		assert.Equal(t, tag, mustParse(t, tag.String()))
	}
	for name, value := range map[string]string{
		"nothing":                         ``,
		"blanks":                          ` `,
		"a blank inside":                  `a b`,
		"a quote missing":                 `"abc`,
		"a quote too many":                `abc"`,
		"a mark in lower case":            `w/"abc"`,
		"a bare weak tag":                 `W/abc`,
		"a bare weak tag in lower case":   `w/abc`,
		"a mark alone":                    `W/`,
		"a line feed":                     "abc\n",
		"a control character":             "a\x00c",
		"more than fits when it's quoted": strings.Repeat("a", MaxFieldBytes-1),
	} {
		tag, ok := normalise(value)
		assert.False(t, ok, name)
		assert.Equal(t, Tag{}, tag, name)
	}
}
