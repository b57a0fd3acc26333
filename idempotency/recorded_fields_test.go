package idempotency

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store/lease"
)

func TestFieldsComeBack(t *testing.T) {
	long := strings.Repeat("x", 300)
	for name, fields := range map[string][]field{
		"none":                          nil,
		"one":                           {{"Content-Type", []string{"application/json"}}},
		"several lines":                 {{"Link", []string{"<a>", "<b>", ""}}, {"Etag", []string{`"1"`}}},
		"no line, which net/http obeys": {{"Content-Type", nil}},
		"long ones":                     {{long, []string{long, long + long}}},
		"of lengths about a byte more":  {{strings.Repeat("a", 63), []string{long[:64], long[:127], long[:128], long[:129]}}},
		"many":                          slices.Repeat([]field{{"X", slices.Repeat([]string{"y"}, 200)}}, 200),
		"as the handler spelled it":     {{"x-lower", []string{"\tobs \x80\xff text "}}},
	} {
		t.Run(name, func(t *testing.T) {
			b := encodeFields(t, fields)
			into := http.Header{"Before": {"1"}, "Link": {"<replaced>"}}
			want := into.Clone()
			for _, f := range fields {
				want[f.name] = append([]string{}, f.values...)
			}
			size, values, err := checkFields(append(b, "body"...))
			require.NoError(t, err)
			require.Equal(t, len(b), size)
			setFields(b, size, values, into)
			require.Equal(t, want, into)
			for name, lines := range into {
				if name != "Before" {
					require.Equal(t, len(lines), cap(lines), "whoever adds a line to %s must not write over another field's", name)
				}
			}
		})
	}
}

// encodeFields returns the fields as they stand in a record.
func encodeFields(t *testing.T, fields []field) []byte {
	t.Helper()
	count, size := fieldsSize(fields)
	b := appendFields(nil, fields, count)
	require.Len(t, b, size, "the size is exact, so that a record is one allocation")
	return b
}

func TestFieldsThatCannotBeSentAreNotRecorded(t *testing.T) {
	b := encodeFields(t, []field{
		{"", []string{"without a name"}},
		{"Trailer:Sum", []string{"not a token"}},
		{"A B", []string{"not a token"}},
		{"A\r\nB", []string{"not a token"}},
		{"Ä", []string{"not a token"}},
		{"Good", []string{"a\r\nSet-Cookie: b", "\x00", "c"}},
	})
	size, values, err := checkFields(b)
	require.NoError(t, err)
	into := http.Header{}
	setFields(b, size, values, into)
	require.Equal(t, http.Header{"Good": {"a  Set-Cookie: b", " ", "c"}}, into)
}

func TestFieldsThatMakeNoSenseAreRefused(t *testing.T) {
	short := "fields that are cut short, or a number that is not in its shortest form"
	for name, test := range map[string]struct{ b, reason string }{
		"nothing at all":                   {"", short},
		"more fields than bytes":           {"\x01", short},
		"a field without a name":           {"\x01\x00\x00\x00", "no token"},
		"a name with a blank":              {"\x01\x03a b\x00", "no token"},
		"a name with a colon":              {"\x01\x02a:\x00", "no token"},
		"a name with a line break":         {"\x01\x03a\r\n\x00", "no token"},
		"a name that is not ASCII":         {"\x01\x02\xc3\x84\x00", "no token"},
		"a name that is cut short":         {"\x01\x05abc", short},
		"a name and no number of values":   {"\x01\x01a", short},
		"more values than bytes":           {"\x01\x01a\x03\x00\x00", short},
		"a value that is cut short":        {"\x01\x01a\x01\x03bc", short},
		"a value with a carriage return":   {"\x01\x01a\x01\x01\r", "line break or NUL"},
		"a value with a line feed":         {"\x01\x01a\x01\x01\n", "line break or NUL"},
		"a value with a NUL":               {"\x01\x01a\x01\x01\x00", "line break or NUL"},
		"one of the second field":          {"\x02\x01a\x01\x01b\x01c\x01\x01\n", "line break or NUL"},
		"a second field that is not there": {"\x02\x01a\x01\x01b", short},
		"a number that is cut short":       {"\x80", short},
		"a zero of two bytes":              {"\x80\x00", short},
		"a one of two bytes":               {"\x81\x00\x01a\x01\x01b", short},
		"a length of two bytes for one":    {"\x01\x81\x00a\x01\x01b", short},
		"a number over 64 bits":            {strings.Repeat("\xff", 10) + "\x01", short},
		"the largest number":               {strings.Repeat("\xff", 9) + "\x01", short},
		"the largest length":               {"\x01" + strings.Repeat("\xff", 9) + "\x01abc", short},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := checkFields([]byte(test.b))
			require.ErrorIs(t, err, lease.ErrCorrupt)
			require.ErrorContains(t, err, test.reason)
		})
	}
}

func TestNamesAreTheTokensOfTheRFC(t *testing.T) {
	for c := range 256 {
		letterOrDigit := '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		want := letterOrDigit || c < 128 && strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c))
		require.Equal(t, want, isName([]byte{'a', byte(c)}), "%q", c)
	}
	require.False(t, isName(""))
}
