package storetest

import (
	"bytes"
	"fmt"

	"github.com/concordhttp/concord/store"
)

var slicesAreNeverWritten = check{
	Name: "SlicesAreNeverWritten",
	Why: "the slices of a record are read-only on both sides for ever, so that nobody has to copy them; " +
		"a store that writes to one, or uses its memory again, changes a reply while it is being sent",
	Run: func(e *env) {
		s := e.store()
		e.callersSlices(s)
		e.readersSlices(s)
		if !e.Failed() { // or the race detector would drown what was found out above
			e.slicesUnderRace(s)
		}
	},
}

// guarded is a slice in the middle of an array whose every byte is watched: a
// store may write neither to the slice nor to the capacity behind it.
type guarded struct{ array, pristine []byte }

func guard(content []byte) guarded {
	array := make([]byte, len(content)+16)
	for i := range array {
		array[i] = 0xa5
	}
	copy(array[8:], content)
	return guarded{array: array, pristine: bytes.Clone(array)}
}

func (g guarded) slice() []byte { return g.array[8 : len(g.array)-8] }
func (g guarded) intact() bool  { return bytes.Equal(g.array, g.pristine) }

// callersSlices checks what callers passed.
func (e *env) callersSlices(s store.Store) {
	var mine []guarded
	guardedRecord := func(nonce string) store.Record {
		r := record(nonce, e.long)
		head, body := guard(r.Head), guard(r.Body)
		mine = append(mine, head, body)
		return store.Record{Head: head.slice(), Body: body.slice(), TTL: r.TTL}
	}
	first := e.mustCreate(s, "callers", guardedRecord("created"))
	e.create(s, "callers", guardedRecord("the loser of Create"))
	e.get(s, "callers")
	second := e.mustReplace(s, "callers", first.Version, guardedRecord("replaced"))
	e.replace(s, "callers", first.Version, guardedRecord("the loser of Replace"))
	e.mustDelete(s, "callers", second.Version)
	e.mustCreate(s, "callers", guardedRecord("the next"))
	for _, g := range mine {
		if !g.intact() {
			e.Errorf("a slice that the caller passed holds %.60q; want %.60q, as it was passed", g.array, g.pristine)
		}
	}
}

// readersSlices checks what the store returned.
func (e *env) readersSlices(s store.Store) {
	created := e.mustCreate(s, "readers", record("created", e.long))
	got := e.mustGet(s, "readers")
	shown, _ := e.create(s, "readers", record("loser", e.long))
	replaced := e.mustReplace(s, "readers", created.Version, record("replaced", e.long))
	e.mustDelete(s, "readers", replaced.Version)
	for i := range 16 { // whatever would use the memory again
		e.mustCreate(s, fmt.Sprintf("neighbour %d", i), record("XXXXXXX", e.long))
	}
	e.sameBytes("what Create returned, later", created, record("created", e.long))
	e.sameBytes("what Get returned, later", got, record("created", e.long))
	e.sameBytes("what the loser of Create was shown, later", shown, record("created", e.long))
	e.sameBytes("what Replace returned, later", replaced, record("replaced", e.long))
}

// slicesUnderRace lets readers hold on to slices and read them again and again
// while writers write. The head and body of each record belong together, and
// the race detector sees the rest.
func (e *env) slicesUnderRace(s store.Store) {
	const key = "raced"
	e.mustCreate(s, key, record("0", e.long))
	answers := race(racers, func(i int) (store.Record, bool, error) {
		var held []store.Record
		for round := range rounds {
			r, found, err := s.Get(e.ctx, key)
			if err := certain("Get", found, err); err != nil {
				return r, false, err
			}
			held = append(held, r)
			if i%2 == 0 {
				mine := record(fmt.Sprintf("%d by %d", round, i), e.long)
				if r, _, err = s.Replace(e.ctx, key, r.Version, mine); err != nil {
					return r, false, err
				}
				held = append(held, r)
			}
			for _, r := range held {
				if string(r.Body) != "body of "+string(r.Head) {
					return r, false, fmt.Errorf("head %q with body %q", r.Head, r.Body)
				}
			}
		}
		return store.Record{}, true, nil
	})
	for _, a := range answers {
		e.noError(a.err, "readers and writers of one key")
	}
}
