package etag

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseDate(t *testing.T) {
	same := time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC)
	tests := []struct {
		name  string
		value string
		want  time.Time
	}{
		{"IMF-fixdate", "Sun, 06 Nov 1994 08:49:37 GMT", same},
		{"RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT", same},
		{"asctime", "Sun Nov  6 08:49:37 1994", same},
		{"asctime with a zero", "Sun Nov 06 08:49:37 1994", same},
		{"asctime with two digits", "Wed Nov 16 08:49:37 1994", same.AddDate(0, 0, 10)},
		{"RFC 850 with the longest name of a day", "Wednesday, 09-Nov-94 08:49:37 GMT", same.AddDate(0, 0, 3)},
		{"a wrong name of the day", "Mon, 06 Nov 1994 08:49:37 GMT", same},
		{"two digits of a year in this century", "Tuesday, 06-Nov-68 08:49:37 GMT", time.Date(2068, 11, 6, 8, 49, 37, 0, time.UTC)},
		{"two digits of a year in the last one", "Thursday, 06-Nov-69 08:49:37 GMT", time.Date(1969, 11, 6, 8, 49, 37, 0, time.UTC)},
		{"a leap day", "Thu, 29 Feb 2024 00:00:00 GMT", time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)},
		{"the year 1, which is the zero time", "Mon, 01 Jan 0001 00:00:00 GMT", time.Time{}},
		{"the last second there is", "Fri, 31 Dec 9999 23:59:59 GMT", time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, date{set: true, unix: test.want.Unix()}, parseDate(test.value))
			assert.Equal(t, oracleDate{valid: true, unix: test.want.Unix()}, oracleReadDate(test.value))
			stdlib, err := http.ParseTime(test.value)
			require.NoError(t, err)
			assert.True(t, test.want.Equal(stdlib), "net/http reads %v", stdlib)
		})
	}
}

func invalidDatesIgnored(t *testing.T) {
	invalid := map[string]string{
		"nothing":                     "",
		"whitespace":                  " ",
		"no date":                     "yesterday",
		"zero":                        "0",
		"minus one":                   "-1",
		"seconds since 1970":          "784111777",
		"ISO 8601":                    "1994-11-06T08:49:37Z",
		"another zone":                "Sun, 06 Nov 1994 08:49:37 EST",
		"a zone that could be local":  "Sunday, 06-Nov-94 08:49:37 MST",
		"UTC":                         "Sun, 06 Nov 1994 08:49:37 UTC",
		"a numeric zone":              "Sun, 06 Nov 1994 08:49:37 +0000",
		"no zone":                     "Sun, 06 Nov 1994 08:49:37",
		"a zone in lower case":        "Sun, 06 Nov 1994 08:49:37 gmt",
		"a month in upper case":       "Sun, 06 NOV 1994 08:49:37 GMT",
		"a month in full":             "Sun, 06 November 1994 08:49:37 GMT",
		"a fraction":                  "Sun, 06 Nov 1994 08:49:37.5 GMT",
		"a fraction in asctime":       "Sun Nov  6 08:49:37.5 1994",
		"an hour of one digit":        "Sun, 06 Nov 1994 8:49:37 GMT",
		"a day of one digit":          "Sun, 6 Nov 1994 08:49:37 GMT",
		"asctime without its blank":   "Sun Nov 6 08:49:37 1994",
		"an hour of one digit, again": "Sunday, 06-Nov-94 8:49:37 GMT",
		"a year of two digits":        "Sun, 06 Nov 94 08:49:37 GMT",
		"a year of four, in RFC 850":  "Sunday, 06-Nov-1994 08:49:37 GMT",
		"the 31st of November":        "Sun, 31 Nov 1994 08:49:37 GMT",
		"the 29th of February 2023":   "Wed, 29 Feb 2023 08:49:37 GMT",
		"the day 0":                   "Sun Nov  0 08:49:37 1994",
		"the hour 24":                 "Sun, 06 Nov 1994 24:00:00 GMT",
		"a leap second":               "Sat, 31 Dec 2016 23:59:60 GMT",
		"no such day of the week":     "Sux, 06 Nov 1994 08:49:37 GMT",
		"a name of the day in full":   "Sunday, 06 Nov 1994 08:49:37 GMT",
		"two blanks":                  "Sun,  06 Nov 1994 08:49:37 GMT",
		"text behind":                 "Sun, 06 Nov 1994 08:49:37 GMT; length=5",
		"a list":                      "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
		"an entity tag":               `"Sun, 06 Nov 1994 08:49:37 GMT"`,
		"one comma":                   ",",
		"IMF's length":                strings.Repeat(",", len(layoutIMF)),
		"asctime's length":            strings.Repeat(" ", len(layoutASC)),
		"a long value":                strings.Repeat("Sun, ", 10_000),
	}
	s := State{Exists: true, LastModified: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)}
	for name, value := range invalid {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, oracleDate{}, oracleReadDate(value), "the oracle agrees")
			for _, field := range []string{"If-Modified-Since", "If-Unmodified-Since"} {
				for _, method := range []string{"GET", "HEAD", "PUT"} {
					p, err := ParsePreconditions(http.Header{field: {value}})
					require.NoError(t, err)
					assert.Equal(t, Result{Verdict: Proceed}, p.Evaluate(method, s), "%s %s", method, field)
					assert.False(t, p.hasAny(method))
					assert.False(t, p.hasUnmodifiedSince())
				}
			}
		})
	}
}

func dateAppearsTwice(t *testing.T) {
	before, after := "Sun, 06 Nov 1994 08:49:36 GMT", "Sun, 06 Nov 1994 08:49:38 GMT"
	s := State{Exists: true, LastModified: time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC)}
	for _, lines := range [][]string{{before, before}, {after, after}, {before, after}, {after, ""}, {before, ""}, {"", before}} {
		p := mustRead(t, http.Header{"If-Unmodified-Since": lines})
		assert.Equal(t, Result{Verdict: Proceed}, p.Evaluate("PUT", s), "If-Unmodified-Since %q", lines)
		p = mustRead(t, http.Header{"If-Modified-Since": lines})
		assert.Equal(t, Result{Verdict: Proceed}, p.Evaluate("GET", s), "If-Modified-Since %q", lines)
	}
	// Alone, each of them decides.
	p := mustRead(t, http.Header{"If-Unmodified-Since": {before}})
	assert.Equal(t, Result{Failed, "If-Unmodified-Since"}, p.Evaluate("PUT", s))
	p = mustRead(t, http.Header{"If-Modified-Since": {after}})
	assert.Equal(t, Result{NotModified, "If-Modified-Since"}, p.Evaluate("GET", s))
}

// A client may send the year 1, whose time.Time is the zero one. Taken for an
// absent field, it would let every write through.
func TestZeroTimeIsADate(t *testing.T) {
	p := mustRead(t, http.Header{"If-Unmodified-Since": {"Mon, 01 Jan 0001 00:00:00 GMT"}})
	s := State{Exists: true, LastModified: time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC)}
	assert.Equal(t, Result{Failed, "If-Unmodified-Since"}, p.Evaluate("PUT", s))
	assert.Equal(t, Result{Verdict: Proceed}, p.Evaluate("PUT", State{Exists: true}), "with nothing to compare it is ignored")
}

func TestPaddingCountsTowardsTheLimit(t *testing.T) {
	s := State{Exists: true, Tag: FromVersion(1), LastModified: time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC)}
	blanks := strings.Repeat(" ", MaxFieldBytes)
	p := mustRead(t, http.Header{"If-Modified-Since": {blanks + "Sun, 06 Nov 1994 08:49:37 GMT"}})
	assert.Equal(t, Result{Verdict: Proceed}, p.Evaluate("GET", s))
	p = mustRead(t, http.Header{"If-Range": {blanks + `"v1"`}, "Range": {"bytes=0-1"}})
	assert.Equal(t, Result{IgnoreRange, "If-Range"}, p.Evaluate("GET", s))
}

// Package time takes the abbreviation of the server's own zone for that zone.
func TestDatesDoNotDependOnTheServersZone(t *testing.T) {
	local := time.Local
	t.Cleanup(func() { time.Local = local })
	time.Local = time.FixedZone("GMT", 3600)
	want := date{set: true, unix: time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC).Unix()}
	assert.Equal(t, want, parseDate("Sunday, 06-Nov-94 08:49:37 GMT"))
	assert.Equal(t, want, parseDate("Sun, 06 Nov 1994 08:49:37 GMT"))
}

// mustRead parses what has no malformed list in it.
func mustRead(tb testing.TB, h http.Header) Preconditions {
	tb.Helper()
	p, err := ParsePreconditions(h)
	require.NoError(tb, err)
	return p
}
