package storetest

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/concordhttp/concord/store"
)

var bodiesAreDroppedAndSaidSo = check{
	Name: "BodiesAreDroppedAndSaidSo",
	Why: "where room is short a body may go, whole, and Dropped says so while the head stands; " +
		"a body that is missing without a word is replayed as an empty reply",
	Run: func(e *env) {
		s := e.storeOf(e.openBodies, "WithRoomForBodies")
		const n = 32 // four times as many as there is room for
		body := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, int(e.bodyBytes/8)) }
		standing := map[string]store.Record{}
		for i := range n {
			key := fmt.Sprintf("body %d", i)
			r := e.mustCreate(s, key, store.Record{Head: []byte(key), Body: body(i), TTL: e.long})
			e.wholeOrDropped("what Create returned", r, body(i))
			standing[key] = r
		}
		e.allStand(s, standing)
		kept := 0
		for i := range n {
			r := e.mustGet(s, fmt.Sprintf("body %d", i))
			e.wholeOrDropped("what Get returned", r, body(i))
			kept += len(r.Body)
		}
		if int64(kept) > e.bodyBytes {
			e.Errorf("bodies of %d bytes are kept; want %d at most, the room there is", kept, e.bodyBytes)
		}
		for i := range n { // those who lose answer from what they are shown
			key := fmt.Sprintf("body %d", i)
			shown, _ := e.create(s, key, record("loser", e.long))
			e.wholeOrDropped("what the loser of Create is shown", shown, body(i))
			shown, _ = e.replace(s, key, standing[key].Version+1, record("loser", e.long))
			e.wholeOrDropped("what the loser of Replace is shown", shown, body(i))
		}

		// The next version has a body of its own, or none: nothing was dropped of it.
		r := e.mustReplace(s, "body 0", standing["body 0"].Version, store.Record{Head: []byte("without"), TTL: e.long})
		if r.Dropped {
			e.Errorf("Replace without a body: dropped; want nothing said, there was none to drop")
		}
		e.oversize(s)
	},
}

// oversize creates a record whose body alone is larger than all the room. It
// may be refused, and it may be dropped.
func (e *env) oversize(s store.Store) {
	e.Helper()
	body := make([]byte, e.bodyBytes+1)
	r, created, err := s.Create(e.ctx, "oversize", store.Record{Head: []byte("oversize"), Body: body, TTL: e.long})
	if errors.Is(err, store.ErrTooLarge) || errors.Is(err, store.ErrFull) {
		return
	}
	e.noError(err, "Create with a body of %d bytes", len(body))
	if !created {
		e.Fatalf("Create with a body of %d bytes: false; want true, nothing stands there", len(body))
	}
	e.wholeOrDropped("a body larger than all the room, from Create", r, body)
	e.wholeOrDropped("a body larger than all the room, from Get", e.mustGet(s, "oversize"), body)
}

func (e *env) wholeOrDropped(what string, r store.Record, body []byte) {
	e.Helper()
	switch {
	case r.Dropped && len(r.Body) > 0:
		e.Errorf("%s: dropped, and %d bytes of the body are there; want none", what, len(r.Body))
	case !r.Dropped && !bytes.Equal(r.Body, body):
		e.Errorf("%s: %d bytes of body that are not those written, and not a word of dropping; want all %d, or Dropped",
			what, len(r.Body), len(body))
	}
}
