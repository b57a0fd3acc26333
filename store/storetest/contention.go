package storetest

import (
	"fmt"

	"github.com/concordhttp/concord/store"
)

var serializableIsRetriedInside = check{
	Name: "SerializableIsRetriedInside",
	Why: "contention is no failure of the store: a database whose isolation is SERIALIZABLE ends one of two steps that meet with 40001, " +
		"and a store that hands this on answers a client 503 whenever another one is as fast; it has to send the step again itself",
	Run: func(e *env) {
		s := e.store()
		for round := range rounds {
			key := fmt.Sprintf("met at %d", round)
			e.noErrors("Create at once", e.raceToCreate(s, key))
			e.noErrors("Get, Replace and Delete at once", race(racers, func(i int) (store.Record, bool, error) {
				standing, found, err := s.Get(e.ctx, key)
				switch {
				case err != nil || !found || i%4 == 0:
					return standing, found, err
				case i%4 == 1:
					deleted, err := s.Delete(e.ctx, key, standing.Version)
					return store.Record{}, deleted, err
				}
				return s.Replace(e.ctx, key, standing.Version, record(fmt.Sprintf("racer %d", i), e.long))
			}))
			e.noErrors("Create at once, of many keys", race(racers, func(i int) (store.Record, bool, error) {
				return s.Create(e.ctx, fmt.Sprintf("%s, key %d", key, i), record("a neighbour", e.long))
			}))
		}
	},
}

// noErrors ends the check if one of the racers failed.
func (e *env) noErrors(what string, answers []answer) {
	e.Helper()
	for _, a := range answers {
		e.noError(a.err, "%s: racer %d of %d", what, a.racer, len(answers))
	}
}
