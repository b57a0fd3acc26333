package storetest

import (
	"errors"
	"time"

	"github.com/concordhttp/concord/store"
)

var expiredAtTheInstant = check{
	Name: "ExpiredAtTheInstant",
	Why: "a record stands until its time to live has passed and is absent from that instant on, for every method, " +
		"whatever garbage remains; leases are counted to the instant by those who wait for them",
	Run: func(e *env) {
		s := e.store()
		// Each method gets a key of its own, since one that looks may clear
		// the garbage away that another would stumble over.
		versions := map[string]uint64{"get": 0, "create": 0, "replace": 0, "delete": 0}
		var written span
		for key := range versions {
			w := during(func() { versions[key] = e.mustCreate(s, key, record("expires", e.unit)).Version })
			if written.sent.IsZero() {
				written.sent = w.sent
			}
			written.replied = w.replied
		}
		almost := e.unit / 2
		if e.exact {
			almost = e.unit - time.Nanosecond
		}
		time.Sleep(almost)
		for key := range versions {
			e.standsAt(s, key, e.unit, written)
		}
		time.Sleep(e.unit - almost + e.grain)

		e.mustBeAbsent(s, "get", "its time to live has passed")
		if shown, replaced := e.replace(s, "replace", versions["replace"], record("late", e.long)); replaced || shown.Version != 0 {
			e.Errorf("Replace of an expired record: %v and %s; want false and version 0", replaced, show(shown))
		}
		if e.delete(s, "delete", versions["delete"]) {
			e.Errorf("Delete of an expired record: true; want false")
		}
		if shown, created := e.create(s, "create", record("next", e.long)); !created {
			e.Errorf("Create where a record expired: false, showing %s; want true", show(shown))
		}
	},
}

var zeroTTLIsNotUnset = check{
	Name: "ZeroTTLIsNotUnset",
	Why: "a time to live that is not positive is ErrInvalid, and nothing is written; " +
		"read as 'for ever' it keeps a claim whose time was just up, and blocks its key for good",
	Run: func(e *env) {
		s := e.store()
		standing := e.mustCreate(s, "stands", record("first", e.long))
		for _, ttl := range []time.Duration{0, -1, -time.Hour} {
			if _, created, err := s.Create(e.ctx, "unset", record("r", ttl)); created || !errors.Is(err, store.ErrInvalid) {
				e.Errorf("Create with %v to live: %v and error %v; want store.ErrInvalid", ttl, created, err)
			}
			if _, replaced, err := s.Replace(e.ctx, "stands", standing.Version, record("r", ttl)); replaced || !errors.Is(err, store.ErrInvalid) {
				e.Errorf("Replace with %v to live: %v and error %v; want store.ErrInvalid", ttl, replaced, err)
			}
		}
		e.mustBeAbsent(s, "unset", "Create refused it")
		e.same("the record after a Replace that was refused", e.mustGet(s, "stands"), standing)
	},
}

var replaceKeepsTheExpiry = check{
	Name: "ReplaceKeepsTheExpiry",
	Why: "the record that Replace writes lives as long as Replace says, and does expire: not when the version before it " +
		"would have, and not never; a renewed lease that outlives its owner for ever blocks its resource for ever",
	Run: func(e *env) {
		s := e.store()
		shorter := e.mustCreate(s, "shorter", record("first", e.long))
		longer := e.mustCreate(s, "longer", record("first", e.unit))
		same := e.mustCreate(s, "same", record("first", e.unit))
		e.mustReplace(s, "shorter", shorter.Version, record("second", e.unit))
		e.mustReplace(s, "same", same.Version, record("second", e.unit))
		renewed := during(func() { e.mustReplace(s, "longer", longer.Version, record("second", 3*e.unit)) })

		e.outlive(e.unit)
		e.mustBeAbsent(s, "shorter", "Replace gave it less to live than Create, and that has passed")
		e.mustBeAbsent(s, "same", "Replace gave it as much to live as Create, and that has passed")
		e.standsAt(s, "longer", 3*e.unit, renewed)
		e.outlive(2 * e.unit)
		e.mustBeAbsent(s, "longer", "Replace gave it more to live than Create, and that has passed")
	},
}
