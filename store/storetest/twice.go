package storetest

import "github.com/concordhttp/concord/store"

var deliveredTwice = check{
	Name: "DeliveredTwice",
	Why: "a call may be delivered twice, since client libraries repeat calls whose reply was lost; the second delivery is false " +
		"and shows the caller's own nonce, by which it recognises its record. Written again, it would burn the version it just got",
	Run: func(e *env) {
		s := e.store()
		mine := record("nonce of the caller", e.long)
		created := e.mustCreate(s, "twice", mine)
		shown, again := e.create(s, "twice", mine)
		if again {
			e.Errorf("the same Create delivered again: true; want false")
		}
		e.same("what the second Create is shown", shown, created)

		next := record("another nonce", e.long)
		replaced := e.mustReplace(s, "twice", created.Version, next)
		shown, again = e.replace(s, "twice", created.Version, next)
		if again {
			e.Errorf("the same Replace delivered again: true; want false")
		}
		e.same("what the second Replace is shown", shown, replaced)

		e.mustDelete(s, "twice", replaced.Version)
		if e.delete(s, "twice", replaced.Version) {
			e.Errorf("the same Delete delivered again: true; want false")
		}
	},
}

var lostReplies = check{
	Name: "LostReplies",
	Why: "through a client that repeats calls by itself, the caller of Create and Replace is told either that it won, " +
		"or false with its own nonce; anything else and it takes itself for the loser, and the key stays blocked",
	Run: func(e *env) {
		s := e.storeOf(e.openTwice, "WithRepeatedDelivery")
		settled := func(method string, standing store.Record, won bool, nonce string) uint64 {
			e.Helper()
			if !won && string(standing.Head) != nonce {
				e.Fatalf("%s delivered twice: false, showing %s; want true, or the caller's own nonce", method, show(standing))
			}
			return standing.Version
		}
		for range rounds {
			standing, won := e.create(s, "repeated", record("created", e.long))
			v := settled("Create", standing, won, "created")
			standing, won = e.replace(s, "repeated", v, record("replaced", e.long))
			v = settled("Replace", standing, won, "replaced")
			e.delete(s, "repeated", v) // says false if the second reply counts
			e.mustBeAbsent(s, "repeated", "it was deleted, however often")
		}
	},
}
