package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/concordhttp/concord/store"
)

var headsAreNeverEvicted = check{
	Name: "HeadsAreNeverEvicted",
	Why: "a head stands until its record expires, however short room is; " +
		"a claim that is evicted is a payment that runs again, which is why a full store refuses instead",
	Run: func(e *env) {
		s := e.storeOf(e.openRecords, "WithRoomForRecords")
		standing := e.fill(s, "record", e.records, e.long)
		for i := range 2 * e.records { // more than there is room for
			_, _, _ = s.Create(e.ctx, fmt.Sprintf("one too many %d", i), record("r", e.long))
		}
		e.allStand(s, standing)
	},
}

var fullStoreRefusesCreate = check{
	Name: "FullStoreRefusesCreate",
	Why: "Create in a store without room fails with ErrFull and writes nothing, and a standing record is still shown to losers; " +
		"failing closed is the only answer that runs nothing twice",
	Run: func(e *env) {
		s := e.storeOf(e.openRecords, "WithRoomForRecords")
		standing := e.fill(s, "record", e.records, e.long)
		full := e.overfill(s)
		if !errors.Is(full, store.ErrFull) {
			e.Fatalf("%d Creates more than the %d there is room for: error %v; want store.ErrFull", e.records, e.records, full)
		}
		for key, want := range standing {
			shown, created := e.create(s, key, record("loser", e.long))
			if created {
				e.Errorf("Create over a standing record in a full store: true; want false")
			}
			e.same("what the loser of Create is shown in a full store", shown, want)
		}
	},
}

var replaceNeverFailsForRoom = check{
	Name: "ReplaceNeverFailsForRoom",
	Why: "Replace by the owner of a record never fails for want of room, it drops the body instead; " +
		"an outcome that cannot be recorded leaves a claim whose work was done and that nobody can settle",
	Run: func(e *env) {
		if e.openRecords == nil && e.openBodies == nil {
			e.Skipf("not checked: neither WithRoomForRecords nor WithRoomForBodies was given")
		}
		if e.openRecords != nil {
			s := e.openRecords(e.t)
			standing := e.fill(s, "record", e.records, e.long)
			_ = e.overfill(s)
			for _, head := range []int{0, 256, 1 << 10, store.MaxHead - 1, store.MaxHead} {
				e.replaceAll(s, standing, head, 512)
			}
		}
		if e.openBodies != nil {
			s := e.openBodies(e.t)
			standing := e.fill(s, "record", 8, e.long)
			for range 3 {
				e.replaceAll(s, standing, 0, int(e.bodyBytes/2))
			}
			e.replaceAll(s, standing, store.MaxHead, int(e.bodyBytes)+1)
		}
	},
}

var roomComesBack = check{
	Name: "RoomComesBack",
	Why: "the room of records that were deleted or have expired can be used again, by Create itself or after Sweep; " +
		"otherwise a store that was full once refuses every request from then on",
	Run: func(e *env) {
		s := e.storeOf(e.openRecords, "WithRoomForRecords")
		standing := e.fill(s, "deleted", e.records, e.long)
		_ = e.overfill(s)
		for key, r := range standing {
			e.mustDelete(s, key, r.Version)
		}
		for i := range e.records { // what overfill got in beyond the stated room
			key := overfilling(i)
			if r, found := e.get(s, key); found {
				e.mustDelete(s, key, r.Version)
			}
		}
		e.fill(s, "expiring", e.records, e.unit)
		e.outlive(e.unit)
		e.fill(s, "at last", e.records, e.long)
	},
}

// fill creates n records in a store that has room for them, or will have once
// it was swept.
func (e *env) fill(s store.Store, name string, n int, ttl time.Duration) map[string]store.Record {
	e.Helper()
	standing := make(map[string]store.Record, n)
	for i := range n {
		key := fmt.Sprintf("%s %d", name, i)
		mine := store.Record{Head: []byte(key), TTL: ttl}
		r, created, err := s.Create(e.ctx, key, mine)
		if sweeper, ok := s.(store.Sweeper); ok && errors.Is(err, store.ErrFull) {
			_, err = sweeper.Sweep(e.ctx)
			e.noError(err, "Sweep")
			r, created, err = s.Create(e.ctx, key, mine)
		}
		if err != nil || !created {
			e.Fatalf("Create of record %d of the %d there is room for: %v and error %v; want true", i+1, n, created, err)
		}
		standing[key] = r
	}
	return standing
}

// overfill creates as many records again as there is room for, and returns the
// first error.
func (e *env) overfill(s store.Store) (first error) {
	for i := range e.records {
		_, _, err := s.Create(e.ctx, overfilling(i), record("r", e.long))
		if err == nil {
			continue
		}
		if _, found := e.get(s, overfilling(i)); found {
			e.Errorf("Create failed with %v, and wrote its record", err)
		}
		if first == nil {
			first = err
		}
	}
	return first
}

func overfilling(i int) string { return fmt.Sprintf("overfilling %d", i) }

// replaceAll replaces every standing record by one with a head and a body of so
// many bytes, or with a head that is the key where that is longer.
func (e *env) replaceAll(s store.Store, standing map[string]store.Record, headBytes, bodyBytes int) {
	e.Helper()
	body := everyByte(bodyBytes)
	for key, r := range standing {
		head := append([]byte(key), everyByte(max(0, headBytes-len(key)))...)
		next, replaced, err := s.Replace(e.ctx, key, r.Version, store.Record{Head: head, Body: body, TTL: e.long})
		if err != nil || !replaced {
			e.Fatalf("Replace of a head of %d bytes by one of %d and a body of %d, where room is short: %v and error %v; want true",
				len(r.Head), len(head), bodyBytes, replaced, err)
		}
		if !bytes.Equal(next.Head, head) {
			e.Errorf("what Replace returned, where room is short: head of %d bytes; want the %d that were passed", len(next.Head), len(head))
		}
		e.wholeOrDropped("what Replace returned, where room is short", next, body)
		standing[key] = next
	}
	e.allStand(s, standing)
	for key := range standing {
		e.wholeOrDropped("what Get returned of what Replace wrote, where room is short", e.mustGet(s, key), body)
	}
}

// allStand checks heads and versions.
func (e *env) allStand(s store.Store, standing map[string]store.Record) {
	e.Helper()
	for key, want := range standing {
		got := e.mustGet(s, key)
		if got.Version != want.Version || !bytes.Equal(got.Head, want.Head) {
			e.Errorf("%q under pressure: %s; want %s", key, show(got), show(want))
		}
	}
}
