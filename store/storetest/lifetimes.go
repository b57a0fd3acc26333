package storetest

import (
	"fmt"
	"math"
	"time"

	"github.com/concordhttp/concord/store"
)

var shortestLivesEnd = check{
	Name: "ShortestLivesEnd",
	Why: "a time to live is positive down to the nanosecond, and a record that has less than the store can count expires at once or a little later; " +
		"cut off to zero it would mean 'for ever', and block its key for good",
	Run: func(e *env) {
		s := e.store()
		lives := []time.Duration{1, time.Microsecond - 1, time.Millisecond - time.Microsecond}
		for _, ttl := range lives {
			shown := e.mustCreate(s, fmt.Sprint("created for ", ttl), record("first", ttl))
			e.livesNoLonger("what Create returned", shown, ttl)
			first := e.mustCreate(s, fmt.Sprint("replaced for ", ttl), record("first", e.long))
			shown = e.mustReplace(s, fmt.Sprint("replaced for ", ttl), first.Version, record("second", ttl))
			e.livesNoLonger("what Replace returned", shown, ttl)
		}
		e.outlive(time.Millisecond)
		for _, ttl := range lives {
			because := fmt.Sprintf("it had %v to live, and that has passed", ttl)
			e.mustBeAbsent(s, fmt.Sprint("created for ", ttl), because)
			e.mustBeAbsent(s, fmt.Sprint("replaced for ", ttl), because)
		}
	},
}

func (e *env) livesNoLonger(what string, r store.Record, ttl time.Duration) {
	e.Helper()
	if r.TTL > ttl+e.grain {
		e.Errorf("%s: %v left to live; want %v at most, give or take %v", what, r.TTL, ttl, e.grain)
	}
}

var longestLivesLast = check{
	Name: "LongestLivesLast",
	Why: "a time to live may be as long as can be told; " +
		"one that wraps where a server counts in a few bits, or is read as a date, ends a claim while its owner works",
	Run: func(e *env) {
		s := e.store()
		const day = 24 * time.Hour
		lives := []time.Duration{
			25 * day, // more milliseconds than 31 bits count
			31 * day, // more than the month beyond which some servers read a date
			50 * day, // more milliseconds than 32 bits count
			365 * day,
			math.MaxInt64,
		}
		for _, ttl := range lives {
			e.lasts(s, fmt.Sprint("for ", ttl), ttl)
		}
	},
}

// lasts checks what is shown of a record, created and replaced, that has long to
// live: it stands later too.
func (e *env) lasts(s store.Store, key string, ttl time.Duration) {
	e.Helper()
	var r, later store.Record
	written := during(func() { r = e.mustCreate(s, key, record("first", ttl)) })
	e.longLife("what Create returned", r, ttl, written, written)
	written = during(func() { r = e.mustReplace(s, key, r.Version, record("second", ttl)) })
	e.longLife("what Replace returned", r, ttl, written, written)
	time.Sleep(e.unit)
	seen := during(func() { later = e.mustGet(s, key) })
	e.same("a record with long to live, later", later, r)
	e.longLife("a record with long to live, later", later, ttl, written, seen)
}

// longLife is [env.rightTimes]. Of a life that ends beyond the end of time, as
// some store counts it, it wants no more than a hundred years.
func (e *env) longLife(what string, r store.Record, ttl time.Duration, written, seen span) {
	e.Helper()
	const century = 100 * 365 * 24 * time.Hour
	if ttl <= century {
		e.rightTimes(what, r, ttl, written, seen)
		return
	}
	e.rightAge(what, r, written, seen)
	if r.TTL < century {
		e.Errorf("%s: %v left to live, of %v; want %v at least", what, r.TTL, ttl, century)
	}
}
