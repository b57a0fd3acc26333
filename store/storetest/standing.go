package storetest

import (
	"fmt"
	"time"

	"github.com/concordhttp/concord/store"
)

var winnersSeeTheirRecord = check{
	Name: "WinnersSeeTheirRecord",
	Why: "Create and Replace return the record as it now stands, with its version; " +
		"the owner holds on to that version, and has no other way to learn it in the same step",
	Run: func(e *env) {
		s := e.store()
		mine := record("mine", e.long)
		var created, replaced store.Record
		written := during(func() { created = e.mustCreate(s, "winner", mine) })
		if created.Version == 0 {
			e.Errorf("Create: version 0; want a version, 0 means that there is no record")
		}
		e.sameBytes("Create's own record", created, mine)
		e.rightTimes("Create's own record", created, e.long, written, written)
		e.same("Get after Create", e.mustGet(s, "winner"), created)

		mine = record("mine again", e.long/2)
		written = during(func() { replaced = e.mustReplace(s, "winner", created.Version, mine) })
		e.sameBytes("Replace's own record", replaced, mine)
		e.rightTimes("Replace's own record", replaced, e.long/2, written, written)
		e.same("Get after Replace", e.mustGet(s, "winner"), replaced)
	},
}

var losersSeeTheStandingRecord = check{
	Name: "LosersSeeTheStandingRecord",
	Why: "a loser is shown the whole standing record, head, body, version, Age and TTL, in the same step; " +
		"it answers from it, and a loser that is shown nothing must guess",
	Run: func(e *env) {
		s := e.store()
		var first store.Record
		written := during(func() { first = e.mustCreate(s, "standing", record("first", e.long)) })
		time.Sleep(e.unit / 4)

		var shown store.Record
		var won bool
		seen := during(func() { shown, won = e.create(s, "standing", record("loser", e.unit)) })
		if won {
			e.Fatalf("Create over a standing record: true; want false")
		}
		e.same("what the loser of Create is shown", shown, first)
		e.rightTimes("what the loser of Create is shown", shown, e.long, written, seen)

		seen = during(func() { shown, won = e.replace(s, "standing", first.Version+1, record("loser", e.unit)) })
		if won {
			e.Fatalf("Replace of a version that does not stand: true; want false")
		}
		e.same("what the loser of Replace is shown", shown, first)
		e.rightTimes("what the loser of Replace is shown", shown, e.long, written, seen)

		for round := 0; round < rounds && !e.Failed(); round++ {
			e.losersOfARace(s, fmt.Sprintf("contended %d", round))
		}
	},
}

// losersOfARace checks what losers are shown who lost at the very moment that
// another won, which is when one statement sees half of what another does.
func (e *env) losersOfARace(s store.Store, key string) {
	created := e.raceToCreate(s, key)
	won := e.winner("Create at once", created)
	for _, a := range created {
		if !a.won {
			e.same("what the loser of a contended Create is shown", a.standing, won.standing)
		}
	}
	replaced := race(racers, func(i int) (store.Record, bool, error) {
		return s.Replace(e.ctx, key, won.standing.Version, record(fmt.Sprintf("successor %d", i), e.long))
	})
	successor := e.winner("Replace of one version at once", replaced)
	for _, a := range replaced {
		if !a.won {
			e.same("what the loser of a contended Replace is shown", a.standing, successor.standing)
		}
	}
}
