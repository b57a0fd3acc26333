package storetest

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/concordhttp/concord/store"
)

// Option tells [Run] what a store can do beyond the least.
type Option func(*settings)

// Open returns an empty store for one check.
type Open = func(t *testing.T) store.Store

// settings is what [Run] knows about the store at hand.
type settings struct {
	open     Open
	bubble   bool          // run each check in a synctest bubble
	exact    bool          // time stands still between steps, so instants can be told apart
	unit     time.Duration // a short time to live
	grain    time.Duration // how far the store's times may be off
	patience time.Duration // how long to wait for what must happen, before it counts as never
	long     time.Duration // a time to live that outlasts every check and every patience
	seed     uint64

	records     int // how many records the store from openRecords holds
	openRecords Open
	bodyBytes   int64 // how many bytes of bodies the store from openBodies holds
	openBodies  Open
	openTwice   Open
	reopen      func(t *testing.T, s store.Store) store.Store
	stepClock   func(t *testing.T, s store.Store, d time.Duration)
}

func newSettings(open Open, options []Option) settings {
	s := settings{
		open:     open,
		unit:     200 * time.Millisecond,
		grain:    10 * time.Millisecond,
		patience: 30 * time.Second,
		long:     time.Hour,
		seed:     newSeed(),
	}
	for _, option := range options {
		option(&s)
	}
	return s
}

// InBubble runs each check inside a [testing/synctest] bubble, on its fake
// clock. It is for stores that take the time from package time, and do no
// network input and output.
func InBubble() Option {
	return func(s *settings) {
		s.bubble, s.exact = true, true
		s.unit, s.grain, s.patience, s.long = time.Minute, 0, time.Hour, 24*time.Hour
	}
}

// WithClock describes a store with a clock of its own. A record that is meant
// to expire while a check waits gets unit or a small multiple of it to live, 200
// ms by default; grain is how far a time that the store reports, or the moment
// at which it lets a record expire, may be off, 10 ms by default. It must be
// well below unit: a store that counts in whole seconds wants several seconds
// and one.
func WithClock(unit, grain time.Duration) Option {
	return func(s *settings) { s.unit, s.grain = unit, grain }
}

// WithPatience sets how long a check waits for what must happen at some time,
// such as the waking of a watcher, before it fails. The default is 30 s; less
// than 30 minutes makes sense.
func WithPatience(d time.Duration) Option {
	return func(s *settings) { s.patience = d }
}

// WithRoomForRecords adds the checks of a full store. The store that open
// returns holds n records with small heads, and not 2n; n is at least 4. Their
// owners then replace them by records with heads of 4 KiB, which may not fail.
func WithRoomForRecords(n int, open Open) Option {
	return func(s *settings) { s.records, s.openRecords = n, open }
}

// WithRoomForBodies adds the checks of dropped bodies. The store that open
// returns holds n bytes of bodies, n at least 1,024, and 64 records at least.
func WithRoomForBodies(n int64, open Open) Option {
	return func(s *settings) { s.bodyBytes, s.openBodies = n, open }
}

// WithRestart adds the check that versions grow across a restart: restart ends
// the store that it gets, as far as it can be ended, and opens it anew.
func WithRestart(restart func(t *testing.T, s store.Store) store.Store) Option {
	return func(s *settings) { s.reopen = restart }
}

// WithClockStep adds the check that versions grow across a step of the clock that
// they are drawn from: step sets the clock of the store that it gets forward by
// d, or back where d is negative. The check steps it by [store.Grace] at most,
// and back again.
func WithClockStep(step func(t *testing.T, s store.Store, d time.Duration)) Option {
	return func(s *settings) { s.stepClock = step }
}

// WithRepeatedDelivery adds the check of a client library that repeats a call
// whose reply was lost. In the store that open returns each call reaches the
// server twice, and the second reply is the one that the caller gets; a proxy
// that breaks the connection instead of passing the first reply on does that.
func WithRepeatedDelivery(open Open) Option {
	return func(s *settings) { s.openTwice = open }
}

// WithSeed sets the seed of the random checks. The default is that of the
// environment variable CONCORD_SEED, else one drawn from the clock; a check
// that used it and failed prints it.
func WithSeed(seed uint64) Option {
	return func(s *settings) { s.seed = seed }
}

func newSeed() uint64 {
	if seed, err := strconv.ParseUint(os.Getenv("CONCORD_SEED"), 10, 64); err == nil {
		return seed
	}
	return uint64(time.Now().UnixNano())
}
