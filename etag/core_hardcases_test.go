package etag

import (
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCoreHardCases holds the faults that other implementations shipped, as far
// as they can be shown without HTTP.
func TestCoreHardCases(t *testing.T) {
	t.Run("MultipleFieldLines", multipleFieldLines)
	t.Run("CommaInsideTag", commaInsideTag)
	t.Run("WeakTagNeverSatisfiesIfMatch", weakTagNeverSatisfiesIfMatch)
	t.Run("IfMatchStarOnExisting", ifMatchStarOnExisting)
	t.Run("IfMatchStarOnMissing", ifMatchStarOnMissing)
	t.Run("FailedIfMatchOnGetIs412", failedIfMatchOnGetIs412)
	t.Run("NoneMatchOnWriteIs412", noneMatchOnWriteIs412)
	t.Run("EmptyOrMalformedIfMatchNeverPasses", emptyOrMalformedIfMatchNeverPasses)
	t.Run("InvalidDatesIgnored", invalidDatesIgnored)
	t.Run("DateAppearsTwice", dateAppearsTwice)
	t.Run("PrecedenceMatrix", precedenceMatrix)
	t.Run("SubstringIsNoMatch", substringIsNoMatch)
	t.Run("UnquotedHandlerTag", unquotedHandlerTag)
	t.Run("HeaderBombs", headerBombs)
	t.Run("FIPSModeIsReported", fipsModeIsReported)
}

// unsafe methods, and two that no table knows: what is not known to be a read
// counts as a write.
var writes = []string{"PUT", "PATCH", "DELETE", "POST", "LOCK", "UNLOCK", "QUERY", "get"}

func current(tb testing.TB, tag string) State {
	tb.Helper()
	return State{Exists: true, Tag: mustParse(tb, tag)}
}

func multipleFieldLines(t *testing.T) {
	s := current(t, `"now"`)
	for _, lines := range [][]string{
		{`"old"`, `"now"`},
		{`"old", "older"`, `"oldest"`, `"now"`},
		{``, `"now"`},
	} {
		p := mustRead(t, http.Header{"If-Match": lines})
		assert.Equal(t, Result{Verdict: Proceed}, p.Evaluate("PUT", s), "If-Match %q", lines)
		p = mustRead(t, http.Header{"If-None-Match": lines})
		assert.Equal(t, Result{NotModified, "If-None-Match"}, p.Evaluate("GET", s), "If-None-Match %q", lines)
	}
}

func commaInsideTag(t *testing.T) {
	s := current(t, `"v1,v2"`)
	p := mustRead(t, http.Header{"If-Match": {`"v0", "v1,v2"`}})
	assert.Equal(t, Result{Verdict: Proceed}, p.Evaluate("PUT", s))
	tags, star := p.IfMatch()
	assert.Equal(t, []Tag{mustParse(t, `"v0"`), mustParse(t, `"v1,v2"`)}, tags)
	assert.False(t, star)

	p = mustRead(t, http.Header{"If-Match": {`"v1", "v2"`}})
	assert.Equal(t, Result{Failed, "If-Match"}, p.Evaluate("PUT", s), "two tags are not the one with a comma")
	p = mustRead(t, http.Header{"If-None-Match": {`"v1,v2"`}})
	assert.Equal(t, Result{NotModified, "If-None-Match"}, p.Evaluate("GET", s))
}

func weakTagNeverSatisfiesIfMatch(t *testing.T) {
	for _, now := range []string{`"now"`, `W/"now"`} {
		for _, method := range append(writes, "GET", "HEAD") {
			p := mustRead(t, http.Header{"If-Match": {`W/"now"`}})
			assert.Equal(t, Result{Failed, "If-Match"}, p.Evaluate(method, current(t, now)), "%s against %s", method, now)
		}
	}
	p := mustRead(t, http.Header{"If-Match": {`"now"`}})
	assert.Equal(t, Result{Failed, "If-Match"}, p.Evaluate("PUT", current(t, `W/"now"`)), "nor does a strong tag match a weak one")
	p = mustRead(t, http.Header{"If-Match": {`W/"now", "now"`}})
	assert.Equal(t, Result{Verdict: Proceed}, p.Evaluate("PUT", current(t, `"now"`)), "but it does not spoil the list either")
}

func ifMatchStarOnExisting(t *testing.T) {
	p := mustRead(t, http.Header{"If-Match": {"*"}})
	for _, s := range []State{current(t, `"now"`), current(t, `W/"now"`), {Exists: true}} {
		for _, method := range append(writes, "GET", "HEAD") {
			assert.Equal(t, Result{Verdict: Proceed}, p.Evaluate(method, s), method)
		}
	}
	tags, star := p.IfMatch()
	assert.Empty(t, tags)
	assert.True(t, star)
}

func ifMatchStarOnMissing(t *testing.T) {
	for _, lines := range [][]string{{"*"}, {`"now"`}, {`""`}, {`W/"now"`}} {
		p := mustRead(t, http.Header{"If-Match": lines})
		for _, method := range append(writes, "GET", "HEAD") {
			assert.Equal(t, Result{Failed, "If-Match"}, p.Evaluate(method, State{}), "%s with %q", method, lines)
			// A Current that fills in the tag of what was deleted.
			assert.Equal(t, Result{Failed, "If-Match"}, p.Evaluate(method, State{Tag: mustParse(t, `"now"`)}), "%s with %q", method, lines)
		}
	}
}

func failedIfMatchOnGetIs412(t *testing.T) {
	for _, method := range []string{"GET", "HEAD"} {
		p := mustRead(t, http.Header{"If-Match": {`"old"`}})
		assert.Equal(t, Result{Failed, "If-Match"}, p.Evaluate(method, current(t, `"now"`)))
		p = mustRead(t, http.Header{"If-Match": {`"old"`}, "If-None-Match": {`"now"`}})
		assert.Equal(t, Result{Failed, "If-Match"}, p.Evaluate(method, current(t, `"now"`)), "If-Match comes first")
	}
}

func noneMatchOnWriteIs412(t *testing.T) {
	for _, lines := range [][]string{{`"now"`}, {`W/"now"`}, {"*"}, {`"old", "now"`}} {
		p := mustRead(t, http.Header{"If-None-Match": lines})
		for _, method := range writes {
			assert.Equal(t, Result{Failed, "If-None-Match"}, p.Evaluate(method, current(t, `"now"`)), "%s with %q", method, lines)
			assert.Equal(t, Result{Verdict: Proceed}, p.Evaluate(method, State{}), "%s with %q creates", method, lines)
		}
		for _, method := range []string{"GET", "HEAD"} {
			assert.Equal(t, Result{NotModified, "If-None-Match"}, p.Evaluate(method, current(t, `"now"`)), "%s with %q", method, lines)
		}
	}
}

// malformedLists cannot be read as a list. Some of them hold the current tag.
var malformedLists = [][]string{
	{``}, {` `}, {`,`}, {``, ``},
	{`now`}, {`"now`}, {`now"`}, {`w/"now"`}, {`W/now`}, {`'now'`},
	{`"now" "now"`}, {`"now"x`}, {`"now", x`}, {`"now";`}, {"\"now\"\x00"},
	{`*, "now"`}, {`"now"`, `*`}, {`*`, `*`}, {`**`},
	{strings.Repeat(`"now",`, MaxListTags+1)},
	{`"now",` + strings.Repeat(",", MaxFieldBytes)},
}

func emptyOrMalformedIfMatchNeverPasses(t *testing.T) {
	for _, lines := range malformedLists {
		p, err := ParsePreconditions(http.Header{"If-Match": lines})
		var field *FieldError
		require.ErrorAs(t, err, &field, "%.50q", lines)
		assert.Equal(t, "If-Match", field.Field)
		assert.NotContains(t, err.Error(), "now", "the error does not echo the field")
		assert.True(t, p.hasIfMatch())
		assert.False(t, p.needsTag())
		tags, star := p.IfMatch()
		assert.Empty(t, tags)
		assert.False(t, star)
		for _, method := range append(writes, "GET", "HEAD") {
			for _, s := range []State{current(t, `"now"`), {Exists: true}, {}} {
				assert.Equal(t, Result{Failed, "If-Match"}, p.Evaluate(method, s), "%s with %.50q", method, lines)
				assert.Equal(t, Result{Failed, "If-Match"}, p.transformed().Evaluate(method, s), "%s with %.50q", method, lines)
			}
			assert.ErrorAs(t, p.malformedFor(method), &field)
		}
		assert.NoError(t, p.malformedFor("OPTIONS"))
	}
}

func substringIsNoMatch(t *testing.T) {
	for _, listed := range []string{`"abc"`, `"bcd"`, `"abcde"`, `"ABCD"`, `""`, `"abc,d"`, `"W/abcd"`} {
		for _, mark := range []string{"", "W/"} {
			p := mustRead(t, http.Header{"If-Match": {mark + listed}})
			assert.Equal(t, Failed, p.Evaluate("PUT", current(t, `"abcd"`)).Verdict, mark+listed)
			p = mustRead(t, http.Header{"If-None-Match": {mark + listed}})
			assert.Equal(t, Proceed, p.Evaluate("GET", current(t, `"abcd"`)).Verdict, mark+listed)
			p = mustRead(t, http.Header{"If-Range": {mark + listed}, "Range": {"bytes=0-1"}})
			assert.Equal(t, IgnoreRange, p.Evaluate("GET", current(t, `"abcd"`)).Verdict, mark+listed)
		}
	}
}

const mebibyte = 1 << 20

// bombs are ways to fill a mebibyte of header.
func bombs() map[string][]string {
	fill := func(part string) []string { return []string{strings.Repeat(part, mebibyte/len(part))} }
	return map[string][]string{
		"commas":                      fill(","),
		"blanks":                      fill(" "),
		"quotes":                      fill(`"`),
		"empty tags":                  fill(`"",`),
		"tags":                        fill(`W/"now", `),
		"one tag":                     {`"` + strings.Repeat("x", mebibyte) + `"`},
		"stars":                       fill("*,"),
		"empty lines":                 make([]string, mebibyte),
		"lines of one tag":            slices.Repeat([]string{`"now"`}, mebibyte/5),
		"dates":                       fill("Sun, 06 Nov 1994 08:49:37 GMT, "),
		"lines of dates":              slices.Repeat([]string{"Sun, 06 Nov 1994 08:49:37 GMT"}, mebibyte/30),
		"as many commas as are read":  {strings.Repeat(",", MaxFieldBytes-1)},
		"as many quotes as are read":  {strings.Repeat(`"`, MaxFieldBytes-1)},
		"as many tags as are read":    {strings.Repeat(`"a",`, MaxListTags)},
		"as many tags, then an error": {strings.Repeat(`"a",`, MaxListTags-1) + `"a"x`},
		"the longest tags":            slices.Repeat([]string{`"` + strings.Repeat("x", 60) + `"`}, MaxListTags),
	}
}

// A header of 1 MiB may cost 16 KiB; that it costs at most microseconds is for
// the benchmark of the same name to show.
func headerBombs(t *testing.T) {
	for name, lines := range bombs() {
		t.Run(name, func(t *testing.T) {
			h := bombHeader(lines)
			cost := bytesAllocated(func() {
				p, _ := ParsePreconditions(h)
				p.transformed().Evaluate(http.MethodGet, State{Exists: true, Tag: FromVersion(1)})
			})
			t.Logf("%d bytes allocated", cost)
			assert.LessOrEqual(t, cost, uint64(16<<10))
		})
	}
}

func bombHeader(lines []string) http.Header {
	return http.Header{
		"If-Match": lines, "If-None-Match": lines, "If-Modified-Since": lines,
		"If-Unmodified-Since": lines, "If-Range": lines, "Range": lines,
	}
}

// bytesAllocated is the least of a few runs, since others allocate meanwhile.
func bytesAllocated(run func()) uint64 {
	least := ^uint64(0)
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		run()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

// A date in If-Range must be the very one; the matrix has the rest.
func TestIfRangeNeedsTheExactDate(t *testing.T) {
	s := State{Exists: true, LastModified: time.Date(1994, 11, 6, 8, 49, 37, 5, time.UTC)}
	for value, want := range map[string]Verdict{
		"Sun, 06 Nov 1994 08:49:36 GMT":  IgnoreRange,
		"Sun, 06 Nov 1994 08:49:37 GMT":  Proceed,
		"Sunday, 06-Nov-94 08:49:37 GMT": Proceed,
		"Sun, 06 Nov 1994 08:49:38 GMT":  IgnoreRange,
	} {
		p := mustRead(t, http.Header{"If-Range": {value}, "Range": {"bytes=0-1"}})
		assert.Equal(t, want, p.Evaluate("GET", s).Verdict, value)
		assert.Equal(t, Proceed, p.Evaluate("HEAD", s).Verdict, value)
		assert.Equal(t, IgnoreRange, p.Evaluate("GET", State{Exists: true}).Verdict, "without a date to compare")
		p = mustRead(t, http.Header{"If-Range": {value}})
		assert.Equal(t, Proceed, p.Evaluate("GET", s).Verdict, "without a Range")
		assert.False(t, p.hasAny("GET"))
	}
}
