package storetest

import (
	"fmt"

	"github.com/concordhttp/concord/store"
)

// How many take part in a race, and how often it is run.
const (
	racers = 16
	rounds = 25
)

var oneCreateWins = check{
	Name: "OneCreateWins",
	Why: "of any number of callers that create one key at once exactly one is told that it did; " +
		"with two winners a payment runs twice, with none it never runs",
	Run: func(e *env) {
		s := e.store()
		for round := range rounds {
			key := fmt.Sprintf("created by one %d", round)
			won := e.winner("Create at once", e.raceToCreate(s, key))
			e.same("the record after the race", e.mustGet(s, key), won.standing)
		}
	},
}

var oneReplaceWins = check{
	Name: "OneReplaceWins",
	Why: "of any number of callers that replace one version at once exactly one succeeds; " +
		"otherwise an update is lost, which is what versions are for",
	Run: func(e *env) {
		s := e.store()
		standing := e.mustCreate(s, "replaced by one", record("first", e.long))
		for range rounds {
			won := e.winner("Replace of one version at once", race(racers, func(i int) (store.Record, bool, error) {
				return s.Replace(e.ctx, "replaced by one", standing.Version, record(fmt.Sprintf("racer %d", i), e.long))
			}))
			standing = won.standing
			e.sameBytes("what the winner is shown", standing, record(fmt.Sprintf("racer %d", won.racer), e.long))
			e.same("the record after the race", e.mustGet(s, "replaced by one"), standing)
		}
	},
}

var oneCreateWinsAfterExpiry = check{
	Name: "OneCreateWinsAfterExpiry",
	Why: "a record that has expired is no record, and those who find it so race like at a new key; " +
		"get-then-set on the garbage lets several of them win",
	Run: func(e *env) {
		s := e.store()
		keys := make([]string, rounds)
		for i := range keys {
			keys[i] = fmt.Sprintf("expired %d", i)
			e.mustCreate(s, keys[i], record("expires", e.unit))
		}
		e.outlive(e.unit)
		for _, key := range keys {
			won := e.winner("Create at once after expiry", e.raceToCreate(s, key))
			e.same("the record after the race", e.mustGet(s, key), won.standing)
		}
	},
}

var oneTakeoverWins = check{
	Name: "OneTakeoverWins",
	Why: "whoever saw a version may try to take it over or to remove it, and exactly one step on that version succeeds; " +
		"an owner that releases what was taken over from it would free a claim that is in use",
	Run: func(e *env) {
		s := e.store()
		for round := range rounds {
			key := fmt.Sprintf("taken over %d", round)
			dead := e.mustCreate(s, key, record("dead owner", e.long))
			won := e.winner("Replace and Delete of one version at once", race(racers, func(i int) (store.Record, bool, error) {
				if i%2 == 0 {
					return s.Replace(e.ctx, key, dead.Version, record(fmt.Sprintf("taker %d", i), e.long))
				}
				deleted, err := s.Delete(e.ctx, key, dead.Version)
				return store.Record{}, deleted, err
			}))
			if won.racer%2 == 0 {
				e.same("the record after a takeover", e.mustGet(s, key), won.standing)
			} else {
				e.mustBeAbsent(s, key, "Delete was the step that succeeded")
			}
		}
	},
}

// raceToCreate lets racers create key at once, each with a nonce of its own.
func (e *env) raceToCreate(s store.Store, key string) []answer {
	return race(racers, func(i int) (store.Record, bool, error) {
		return s.Create(e.ctx, key, record(fmt.Sprintf("racer %d", i), e.long))
	})
}
