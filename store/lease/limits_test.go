package lease

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const longest time.Duration = math.MaxInt64

func TestAddEndsWithTime(t *testing.T) {
	for name, c := range map[string]struct {
		from instant
		d    time.Duration
		want instant
	}{
		"it adds":                           {3, 4, 7},
		"up to the last instant":            {math.MaxInt64 - 4, 4, math.MaxInt64},
		"and stays there":                   {math.MaxInt64 - 4, 5, math.MaxInt64},
		"the longest time from the first":   {0, longest, math.MaxInt64},
		"the longest time from a later one": {1, longest, math.MaxInt64},
		"from the last instant":             {math.MaxInt64, longest, math.MaxInt64},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, c.from.add(c.d)) })
	}
}

func TestPausesStayInBounds(t *testing.T) {
	for name, c := range map[string]struct{ first, last time.Duration }{
		"the defaults":                 {DefaultPollMin, DefaultPollMax},
		"from the shortest to longest": {1, longest},
		"twice the first overflows":    {longest/2 + 1, longest},
		"always the longest":           {longest, longest},
		"an odd last one":              {1, 7},
	} {
		t.Run(name, func(t *testing.T) {
			k := &Keeper{config: Config{PollMin: c.first, PollMax: c.last}}
			before := time.Duration(0)
			for failures := range 70 {
				d := k.backoff(failures)
				require.GreaterOrEqual(t, d, max(before, c.first))
				require.LessOrEqual(t, d, c.last)
				before = d
				for range 10 {
					varied := halfUpOrDown(d)
					require.GreaterOrEqual(t, varied, min(d, longest/2)/2)
					require.LessOrEqual(t, varied-d/2, d)
				}
			}
			require.Equal(t, c.last, before)
		})
	}
}
