package storetest

import (
	"time"

	"github.com/concordhttp/concord/store"
)

// span is what the caller of a step knows about when the store did it: between
// the sending of the call and the reply. In a bubble both are one instant.
type span struct{ sent, replied time.Time }

// during runs step and returns its span.
func during(step func()) span {
	sent := time.Now()
	step()
	return span{sent, time.Now()}
}

// passed returns the least and the most time that can lie between two steps.
func passed(from, to span) (least, most time.Duration) {
	return max(0, to.sent.Sub(from.replied)), to.replied.Sub(from.sent)
}

// rightTimes checks the Age and TTL of a record that was written with ttl and
// is seen now.
func (e *env) rightTimes(what string, r store.Record, ttl time.Duration, written, seen span) {
	e.Helper()
	e.rightAge(what, r, written, seen)
	least, most := passed(written, seen)
	if r.TTL <= 0 || r.TTL < ttl-most-e.grain || r.TTL > ttl-least+e.grain {
		e.Errorf("%s: %v left to live; want %v to %v, give or take %v", what, r.TTL, ttl-most, ttl-least, e.grain)
	}
}

// rightAge checks the Age alone.
func (e *env) rightAge(what string, r store.Record, written, seen span) {
	e.Helper()
	least, most := passed(written, seen)
	if r.Age < 0 || r.Age < least-e.grain || r.Age > most+e.grain {
		e.Errorf("%s: age %v; want %v to %v, give or take %v", what, r.Age, least, most, e.grain)
	}
}

// standsAt checks that the record of key, written with ttl, is there at a point
// of its life; on a machine too slow to be sure that it must be, that is said
// and nothing checked.
func (e *env) standsAt(s store.Store, key string, ttl time.Duration, written span) {
	e.Helper()
	var r store.Record
	var found bool
	seen := during(func() { r, found = e.get(s, key) })
	least, most := passed(written, seen)
	switch {
	case found:
		e.rightTimes("record before it expires", r, ttl, written, seen)
	case most+e.grain < ttl:
		e.Errorf("Get of %.40q at most %v after a write with %v to live: there is none; want it to stand", key, most, ttl)
	case least < ttl:
		e.Logf("this machine is too slow to tell whether %.40q expired early", key)
	}
}

// outlive waits until what was written before now with ttl has expired: to the
// instant in a bubble, a grain longer elsewhere.
func (e *env) outlive(ttl time.Duration) { time.Sleep(ttl + e.grain) }
