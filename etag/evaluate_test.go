package etag

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is forgotten must refuse.
func TestZeroResultRefuses(t *testing.T) {
	assert.Equal(t, Failed, Result{}.Verdict)
	assert.Equal(t, Result{Verdict: Proceed}, Preconditions{}.Evaluate("PUT", State{}))
}

func TestVerdictString(t *testing.T) {
	for verdict, want := range map[Verdict]string{
		Failed: "failed", Proceed: "proceed", NotModified: "not modified", IgnoreRange: "ignore range", 99: "unknown verdict",
	} {
		assert.Equal(t, want, verdict.String())
	}
}

func TestMethodsWithoutARepresentationTakeNoPreconditions(t *testing.T) {
	h := http.Header{"If-Match": {`"old"`}, "If-None-Match": {"nonsense"}}
	p, err := ParsePreconditions(h)
	require.Error(t, err)
	for _, method := range []string{"CONNECT", "OPTIONS", "TRACE"} {
		assert.Equal(t, Result{Verdict: Proceed}, p.Evaluate(method, current(t, `"now"`)), method)
		assert.NoError(t, p.malformedFor(method))
	}
}

func TestMalformedFields(t *testing.T) {
	both := http.Header{"If-Match": {"a"}, "If-None-Match": {""}}
	p, err := ParsePreconditions(both)
	assert.EqualError(t, err, "etag: If-Match is malformed: not a list of entity tags\n"+
		"etag: If-None-Match is malformed: no entity tag in it")
	assert.Equal(t, err, p.malformedFor("PUT"))

	var field *FieldError
	require.ErrorAs(t, p.malformedFor("GET"), &field)
	assert.Equal(t, FieldError{"If-Match", notAList.String()}, *field)

	p, err = ParsePreconditions(http.Header{"If-None-Match": {"a"}})
	require.ErrorAs(t, err, &field)
	assert.Equal(t, "If-None-Match", field.Field)
	for _, method := range []string{"GET", "HEAD"} {
		assert.NoError(t, p.malformedFor(method))
		assert.Equal(t, Result{Verdict: Proceed}, p.Evaluate(method, current(t, `"now"`)))
	}
	for _, method := range writes {
		assert.ErrorAs(t, p.malformedFor(method), &field)
		assert.Equal(t, Result{Failed, "If-None-Match"}, p.Evaluate(method, current(t, `"now"`)))
	}
}

// A malformed If-None-Match is a present one: RFC 9110, section 13.1.3, has
// If-Modified-Since ignored "if the request contains an If-None-Match".
func TestMalformedListsDisplaceDates(t *testing.T) {
	s := State{Exists: true, LastModified: time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC)}
	p, err := ParsePreconditions(http.Header{
		"If-None-Match": {"now"}, "If-Modified-Since": {"Sun, 06 Nov 1994 08:49:37 GMT"},
	})
	require.Error(t, err)
	assert.Equal(t, Result{Verdict: Proceed}, p.Evaluate("GET", s))
}

func TestWhatTheRequestAsksFor(t *testing.T) {
	date := []string{"Sun, 06 Nov 1994 08:49:37 GMT"}
	type asks struct{ read, write, match, noneMatchAny, unmodified, tag bool }
	tests := []struct {
		name string
		h    http.Header
		want asks
	}{
		{"nothing", http.Header{}, asks{}},
		{"other fields", http.Header{"Range": {"bytes=0-1"}, "Etag": {`"a"`}}, asks{}},
		{"If-Match", http.Header{"If-Match": {`"a"`}}, asks{read: true, write: true, match: true, tag: true}},
		{"If-Match: *", http.Header{"If-Match": {"*"}}, asks{read: true, write: true, match: true}},
		{"a malformed If-Match", http.Header{"If-Match": {""}}, asks{read: true, write: true, match: true}},
		{"If-None-Match", http.Header{"If-None-Match": {`"a"`}}, asks{read: true, write: true, tag: true}},
		{"If-None-Match: *", http.Header{"If-None-Match": {"*"}}, asks{read: true, write: true, noneMatchAny: true}},
		{"If-Modified-Since", http.Header{"If-Modified-Since": date}, asks{read: true}},
		{"If-Unmodified-Since", http.Header{"If-Unmodified-Since": date}, asks{read: true, write: true, unmodified: true}},
		{"an invalid If-Unmodified-Since", http.Header{"If-Unmodified-Since": {"soon"}}, asks{}},
		{"If-Range", http.Header{"If-Range": {`"a"`}, "Range": {"bytes=0-1"}}, asks{read: true}},
		{"If-Range without Range", http.Header{"If-Range": {`"a"`}}, asks{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, _ := ParsePreconditions(test.h)
			assert.Equal(t, test.want, asks{p.hasAny("GET"), p.hasAny("PUT"), p.hasIfMatch(), p.noneMatchAny(), p.hasUnmodifiedSince(), p.needsTag()})
		})
	}
}

func TestPreconditionsAllocateLittle(t *testing.T) {
	none := http.Header{"Accept": {"*/*"}}
	one := http.Header{"If-Match": {`"now"`}}
	both := http.Header{"If-Match": {`"now", "old"`}, "If-None-Match": {`"x"`}, "If-Unmodified-Since": {"Sun, 06 Nov 1994 08:49:37 GMT"}}
	s := current(t, `"now"`)
	for _, test := range []struct {
		h    http.Header
		want float64
	}{{none, 0}, {one, 1}, {both, 2}} {
		got := testing.AllocsPerRun(100, func() {
			p, err := ParsePreconditions(test.h)
			if err != nil || p.Evaluate("PUT", s).Verdict != Proceed {
				t.Error("does not proceed")
			}
		})
		assert.InDelta(t, test.want, got, 0, "%v", test.h)
	}
}

func TestPreconditionsAreImmutable(t *testing.T) {
	p := mustRead(t, http.Header{"If-Match": {`"a-gzip", "b"`}})
	tags, _ := p.IfMatch()
	_ = append(tags, mustParse(t, `"c"`))
	_ = p.transformed()
	again, _ := p.IfMatch()
	assert.Equal(t, []Tag{mustParse(t, `"a-gzip"`), mustParse(t, `"b"`)}, again)
}
