package etag

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The axes of the matrix. A nil value is an absent field; each inner slice is
// the field's lines.
var (
	matrixTags = [][]string{
		nil,
		{`"now"`},             // true for If-Match
		{`"old"`},             // false for If-Match
		{`W/"now"`},           // weak
		{`*`},                 // star
		{`now`},               // malformed
		{``},                  // present and empty
		{`"old"`, `"now"`},    // twice
		{`*`, `"now"`},        // twice, and malformed
		{`"old", W/"old2",,`}, // several, with empty elements
	}
	matrixDates = [][]string{
		nil,
		{"Sun, 06 Nov 1994 08:49:36 GMT"},  // a second before
		{"Sunday, 06-Nov-94 08:49:37 GMT"}, // the same second
		{"Sun Nov  6 08:49:38 1994"},       // a second after
		{"1994-11-06T08:49:37Z"},           // malformed
		{"Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT"}, // twice
	}
	matrixIfRange = [][]string{
		nil,
		{`"now"`},
		{`"old"`},
		{`W/"now"`},
		{"Sun, 06 Nov 1994 08:49:37 GMT"},
		{"Sun, 06 Nov 1994 08:49:38 GMT"},
		{`now`},
		{`"now"`, `"now"`},
	}
	matrixRange   = [][]string{nil, {"bytes=0-1"}}
	matrixMethods = []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "POST", "OPTIONS", "LOCK"}
)

// judgedState is one state, as both evaluators want it.
type judgedState struct {
	state State
	slow  oracleState
}

func matrixStates(t *testing.T) []judgedState {
	t.Helper()
	strong, err := Parse(`"now"`)
	require.NoError(t, err)
	weak, err := Parse(`W/"now"`)
	require.NoError(t, err)
	var states []judgedState
	for _, exists := range []bool{true, false} {
		for _, tag := range []Tag{strong, weak, {}} {
			// The fraction is cut off on the wire, so it must not count.
			for _, modified := range []time.Time{{}, time.Date(1994, 11, 6, 8, 49, 37, 999_999_999, time.UTC)} {
				s := State{Exists: exists, Tag: tag, LastModified: modified}
				states = append(states, judgedState{s, oracleStateOf(s)})
			}
		}
	}
	return states
}

// everyHeader calls judge with each combination of the six fields. The header
// is the same map every time.
func everyHeader(judge func(http.Header)) {
	h := http.Header{}
	axes := []struct {
		field  string
		values [][]string
	}{
		{"If-Match", matrixTags},
		{"If-None-Match", matrixTags},
		{"If-Modified-Since", matrixDates},
		{"If-Unmodified-Since", matrixDates},
		{"If-Range", matrixIfRange},
		{"Range", matrixRange},
	}
	var walk func(axis int)
	walk = func(axis int) {
		if axis == len(axes) {
			judge(h)
			return
		}
		for _, lines := range axes[axis].values {
			if lines == nil {
				delete(h, axes[axis].field)
			} else {
				h[axes[axis].field] = lines
			}
			walk(axis + 1)
		}
	}
	walk(0)
}

func precedenceMatrix(t *testing.T) {
	states := matrixStates(t)
	combinations, differences := 0, 0
	var reached [IgnoreRange + 1]int
	everyHeader(func(h http.Header) {
		if differences >= 10 {
			return
		}
		want := readAsTheRFCSays(h)
		p, err := ParsePreconditions(h)
		if malformed := want.ifMatch.malformed || want.ifNoneMatch.malformed; malformed != (err != nil) {
			differences++
			t.Errorf("%v: error %v, the oracle says malformed: %v", h, err, malformed)
		}
		for _, method := range matrixMethods {
			for _, s := range states {
				combinations++
				got := p.Evaluate(method, s.state)
				verdict, field := want.judge(method, s.slow)
				reached[got.Verdict]++
				if got.Verdict.String() != verdict || got.Field != field {
					differences++
					t.Errorf("%s %v against %+v: %v %q, the oracle says %v %q",
						method, h, s.state, got.Verdict, got.Field, verdict, field)
				}
			}
		}
	})
	t.Logf("%d combinations: %d failed, %d proceed, %d not modified, %d ignore the range", combinations,
		reached[Failed], reached[Proceed], reached[NotModified], reached[IgnoreRange])
	require.NotContains(t, reached, 0, "the matrix reaches every verdict")
	require.Greater(t, combinations, 4_000_000)
}
