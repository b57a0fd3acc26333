package natsstore

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestAllowance(t *testing.T) {
	a := allowance{limit: 6400}
	assert.False(t, a.take(1), "nobody has looked")
	assert.True(t, a.look(0, 1))
	for range 99 { // a sixty-fourth
		assert.True(t, a.take(1))
	}
	assert.False(t, a.take(1), "look again")
	assert.True(t, a.look(0, 6300), "what is under way counts as used: 100 are")
	assert.False(t, a.look(0, 1))
	a.answered(6400)
	assert.False(t, a.look(6400, 1), "now the server counts it")
	assert.True(t, a.look(6399, 1))
	assert.False(t, a.look(10_000, 1), "others went beyond it")
	assert.False(t, a.take(1))
}

// TestManyShareALimit: as many as the share says cannot go beyond it together,
// whatever they do between two looks.
func TestManyShareALimit(t *testing.T) {
	const limit = 10_000
	used := int64(0)
	stores := make([]allowance, share)
	for i := range stores {
		stores[i].limit = limit
		stores[i].look(used, 0) // all at once, when there is the most room
	}
	for i := range stores {
		for stores[i].take(1) {
			used++
		}
	}
	assert.LessOrEqual(t, used, int64(limit))
	assert.Greater(t, used, int64(limit)*9/10)
}

func TestSights(t *testing.T) {
	now := time.Now()
	var s sights
	assert.Zero(t, s.of("key"))
	s.saw("key", sight{sequence: 7, until: now.Add(time.Minute)})
	assert.True(t, s.of("key").stands(7, now))
	assert.False(t, s.of("key").stands(7, now.Add(time.Minute)), "it may have expired")
	assert.False(t, s.of("key").stands(6, now))
	assert.False(t, s.of("other").stands(0, now), "version 0 is none")

	s.saw("key", sight{sequence: 6, gone: true})
	assert.EqualValues(t, 7, s.of("key").sequence, "what comes late is not news")
	s.saw("key", sight{sequence: 7, gone: true})
	assert.False(t, s.of("key").stands(7, now), "it has expired since")
	s.forget("key", 6)
	assert.EqualValues(t, 7, s.of("key").sequence)
	s.forget("key", 7)
	assert.Zero(t, s.of("key"))
}

func TestSightsAreBounded(t *testing.T) {
	var s sights
	for i := range 5 * sightsKept {
		s.saw(fmt.Sprint(i), sight{sequence: uint64(i + 1)})
		assert.LessOrEqual(t, len(s.young)+len(s.old), 2*sightsKept)
	}
	for i := 4 * sightsKept; i < 5*sightsKept; i++ {
		assert.EqualValues(t, i+1, s.of(fmt.Sprint(i)).sequence, "the last are known")
	}
}
