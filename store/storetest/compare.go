package storetest

import (
	"math"

	"github.com/concordhttp/concord/store"
)

var createNeverOverwrites = check{
	Name: "CreateNeverOverwrites",
	Why: "Create writes only where there is no record; " +
		"one that overwrites takes a claim away from its owner while the owner works",
	Run: func(e *env) {
		s := e.store()
		first := e.mustCreate(s, "taken", record("first", e.long))
		if _, created := e.create(s, "taken", record("second", e.long)); created {
			e.Errorf("Create over a standing record: true; want false")
		}
		e.same("the record after a Create that lost", e.mustGet(s, "taken"), first)
	},
}

var conditionsAreNotErrors = check{
	Name: "ConditionsAreNotErrors",
	Why: "a condition that does not hold is false with no error, for errors are failures of the store; " +
		"a lost race that looks like an outage is answered 503 where 409 or a replay belongs",
	Run: func(e *env) {
		s := e.store()
		e.get(s, "nothing here")
		if shown, replaced := e.replace(s, "nothing here", 1, record("r", e.long)); replaced || shown.Version != 0 {
			e.Errorf("Replace where there is none: %v and %s; want false and version 0", replaced, show(shown))
		}
		if e.delete(s, "nothing here", 1) {
			e.Errorf("Delete where there is none: true; want false")
		}
		standing := e.mustCreate(s, "something", record("r", e.long))
		e.create(s, "something", record("r", e.long))
		e.replace(s, "something", standing.Version+1, record("r", e.long))
		e.delete(s, "something", standing.Version+1)
	},
}

var replaceWantsTheExactVersion = check{
	Name: "ReplaceWantsTheExactVersion",
	Why: "Replace writes over the very version that it names and no other: not version 0, not one to come, " +
		"not one of an earlier record at the key; anything else is a lost update",
	Run: func(e *env) {
		s := e.store()
		key := "replaced"
		first := e.mustCreate(s, key, record("first", e.long))
		refused := func(standing store.Record, versions ...uint64) {
			e.Helper()
			for _, v := range versions {
				shown, replaced := e.replace(s, key, v, record("intruder", e.long))
				if replaced {
					e.Fatalf("Replace at version %d, where %d stands: true; want false", v, standing.Version)
				}
				e.same("what Replace shows of the standing record", shown, standing)
			}
			e.same("the record after refused Replaces", e.mustGet(s, key), standing)
		}
		refused(first, wrong(first.Version)...)
		second := e.mustReplace(s, key, first.Version, record("second", e.long))
		refused(second, append(wrong(second.Version), first.Version)...)

		e.mustDelete(s, key, second.Version)
		third := e.mustCreate(s, key, record("third", e.long))
		refused(third, append(wrong(third.Version), first.Version, second.Version)...)

		for _, v := range wrong(third.Version) {
			if shown, replaced := e.replace(s, "never written", v, record("intruder", e.long)); replaced || shown.Version != 0 {
				e.Errorf("Replace at version %d where there is none: %v and %s; want false and version 0", v, replaced, show(shown))
			}
		}
		e.mustBeAbsent(s, "never written", "Replace creates nothing")
	},
}

var deleteWantsTheExactVersion = check{
	Name: "DeleteWantsTheExactVersion",
	Why: "Delete removes the very version that it names and no other; " +
		"an owner that comes late must not remove what belongs to its successor",
	Run: func(e *env) {
		s := e.store()
		key := "deleted"
		refused := func(standing store.Record, versions ...uint64) {
			e.Helper()
			for _, v := range versions {
				if e.delete(s, key, v) {
					e.Fatalf("Delete at version %d, where %d stands: true; want false", v, standing.Version)
				}
			}
			e.same("the record after refused Deletes", e.mustGet(s, key), standing)
		}
		first := e.mustCreate(s, key, record("first", e.long))
		refused(first, wrong(first.Version)...)
		second := e.mustReplace(s, key, first.Version, record("second", e.long))
		refused(second, append(wrong(second.Version), first.Version)...)
		e.mustDelete(s, key, second.Version)
		third := e.mustCreate(s, key, record("third", e.long))
		refused(third, append(wrong(third.Version), first.Version, second.Version)...)
	},
}

var deletedIsAbsent = check{
	Name: "DeletedIsAbsent",
	Why: "a record that was deleted is gone for every method at once; " +
		"a claim that was freed and still stands refuses the retry it was freed for",
	Run: func(e *env) {
		s := e.store()
		key := "deleted"
		r := e.mustCreate(s, key, record("first", e.long))
		e.mustDelete(s, key, r.Version)
		e.mustBeAbsent(s, key, "it was deleted")
		if shown, replaced := e.replace(s, key, r.Version, record("late", e.long)); replaced || shown.Version != 0 {
			e.Errorf("Replace of a deleted record: %v and %s; want false and version 0", replaced, show(shown))
		}
		if e.delete(s, key, r.Version) {
			e.Errorf("Delete of a deleted record: true; want false")
		}
		e.mustBeAbsent(s, key, "it was deleted, and nothing created it since")
		again := e.mustCreate(s, key, record("second", e.long))
		e.same("the record that was created after a Delete", e.mustGet(s, key), again)
	},
}

// wrong returns versions other than the given one that a store might mistake
// for it: none at all, its neighbours, and those at the ends of what a signed
// or a floating-point column holds.
func wrong(version uint64) []uint64 {
	return []uint64{0, version - 1, version + 1, 1 << 53, math.MaxInt64, math.MaxUint64}
}
