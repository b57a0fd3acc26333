package natsstore

import (
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
)

// TestTheClockIsNeverAhead: what a look tells is a lower bound, later too, when
// the clock here goes fast.
func TestTheClockIsNeverAhead(t *testing.T) {
	here, ms := time.Now(), time.Millisecond
	there := here.Add(time.Hour).UnixNano() // what the server shows, half way
	c := clock{}.observed(there, here, here.Add(4*ms))
	assert.Equal(t, there, c.now(here.Add(4*ms)), "when the answer came at least so much had been reached")
	assert.Equal(t, there+int64(5*time.Second-5*ms), c.now(here.Add(4*ms+5*time.Second)), "less what the two may differ in rate")
}

func TestABetterBoundIsKept(t *testing.T) {
	here, ms := time.Now(), time.Millisecond
	at := here.Add
	shown := func(d time.Duration) int64 { return at(d).UnixNano() } // clocks that agree
	c := clock{}.observed(shown(0), at(0), at(ms))
	known := c.now(at(50 * ms))

	slow := c.observed(shown(20*ms), at(20*ms), at(50*ms))
	assert.Equal(t, known, slow.now(at(50*ms)), "the answer took long and says less than what was known")
	assert.Equal(t, at(50*ms), slow.at, "but it is as good as new")

	quick := c.observed(shown(50*ms), at(49*ms), at(50*ms))
	assert.Equal(t, shown(50*ms), quick.now(at(50*ms)))
}

// TestAClockThatWasSetBack, or that of another leader, counts at once.
func TestAClockThatWasSetBack(t *testing.T) {
	here, ms := time.Now(), time.Millisecond
	c := clock{}.observed(here.UnixNano(), here, here.Add(ms))
	back := here.Add(-time.Minute).UnixNano()
	c = c.observed(back, here.Add(10*ms), here.Add(11*ms))
	assert.Equal(t, back, c.now(here.Add(11*ms)))
	forward := here.Add(time.Minute).UnixNano()
	c = c.observed(forward, here.Add(20*ms), here.Add(21*ms))
	assert.Equal(t, forward, c.now(here.Add(21*ms)))
}

func TestAge(t *testing.T) {
	for name, c := range map[string]struct {
		written, now      int64
		ttl, passed, left time.Duration
	}{
		"just written":               {100, 100, 10, 0, 10},
		"half way":                   {100, 105, 10, 5, 5},
		"the last nanosecond":        {100, 109, 10, 9, 1},
		"the instant":                {100, 110, 10, 10, 0},
		"long gone":                  {100, math.MaxInt64, 10, math.MaxInt64 - 100, 0},
		"written by a clock ahead":   {100, 90, 10, 0, 10},
		"for as long as can be told": {100, 110, math.MaxInt64, 10, math.MaxInt64 - 10},
	} {
		passed, left := age(c.written, c.now, c.ttl)
		assert.Equal(t, c.passed, passed, name)
		assert.Equal(t, c.left, left, name)
	}
}

// TestTheGaugeForgets: a look is good for a while, and a replicated bucket's for
// so much less.
func TestTheGaugeForgets(t *testing.T) {
	here := time.Now()
	g := gauge{clock: clock{at: here, reached: here.UnixNano()}}
	_, known := g.now(here.Add(fresh))
	assert.True(t, known)
	_, known = g.now(here.Add(fresh + 1))
	assert.False(t, known)
	before, _ := g.now(here)
	g.skew = time.Second
	after, _ := g.now(here)
	assert.Equal(t, int64(time.Second), before-after)
	_, known = (&gauge{}).now(here)
	assert.False(t, known)
}

// TestAPauseAfterALook makes it as old as any other, and the time is asked for
// again, not taken for that of 1970, when nothing had expired.
func TestAPauseAfterALook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, looks := newGauge(Config{}), 0
		now, err := g.tell(t.Context(), func() error {
			g.clock = clock{at: time.Now(), reached: time.Now().UnixNano()}
			if looks++; looks < 3 {
				time.Sleep(fresh + 1)
			}
			return nil
		})
		require.NoError(t, err)
		assert.Equal(t, time.Now().UnixNano(), now)
		assert.Equal(t, 3, looks)

		time.Sleep(fresh + 1)
		failed := errors.New("no answer")
		_, err = g.tell(t.Context(), func() error { return failed })
		require.ErrorIs(t, err, failed)
	})
}

// TestWhatWasReadIsNotTrustedForLonger than it lives when the clock here goes
// slowly: its owner looks before it replaces it.
func TestWhatWasReadIsNotTrustedForLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, written := Store{gauge: newGauge(Config{})}, time.Now()
		s.gauge.clock = clock{at: written, reached: written.UnixNano()}
		m := &stored{Sequence: 7, Time: written, Data: encode(store.Record{Head: []byte("h"), TTL: time.Hour})}
		seen, err := s.judge(t.Context(), "key", m)
		require.NoError(t, err)
		require.True(t, seen.stands)
		before := written.Add(time.Hour - time.Hour/driftParts)
		assert.True(t, s.sights.of("key").stands(7, before.Add(-1)))
		assert.False(t, s.sights.of("key").stands(7, before))
	})
}
