package storetest

import (
	"time"

	"github.com/concordhttp/concord/store"
)

var ageIsThatOfTheVersion = check{
	Name: "AgeIsThatOfTheVersion",
	Why: "Age counts from the writing of the version that stands, by the store's clock; " +
		"an owner renews by Replace, and counted from the first write it would look dead while it renews",
	Run: func(e *env) {
		s := e.store()
		var first, second, r store.Record
		written := during(func() { first = e.mustCreate(s, "aging", record("first", e.long)) })
		time.Sleep(e.unit)
		seen := during(func() { r = e.mustGet(s, "aging") })
		e.rightTimes("the first version", r, e.long, written, seen)

		written = during(func() { second = e.mustReplace(s, "aging", first.Version, record("second", e.long)) })
		e.rightTimes("what Replace returned", second, e.long, written, written)
		time.Sleep(e.unit / 2)
		seen = during(func() { r = e.mustGet(s, "aging") })
		e.rightTimes("the second version", r, e.long, written, seen)

		seen = during(func() { r, _ = e.replace(s, "aging", first.Version, record("late", e.long)) })
		e.rightTimes("the second version, as the loser of Replace is shown it", r, e.long, written, seen)
	},
}
