package storetest

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"github.com/concordhttp/concord/store"
)

// everyByte returns n bytes in which every value occurs, if there is room.
func everyByte(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

var valuesAreAnyBytes = check{
	Name: "ValuesAreAnyBytes",
	Why: "heads and bodies come back byte for byte, whatever the bytes; " +
		"a body that is trimmed or re-encoded is a corrupt reply, and a head that is one cannot be read at all. " +
		"Nil and empty are the same, for most servers have but one of them",
	Run: func(e *env) {
		s := e.store()
		values := map[string]store.Record{
			"every byte":         {Head: everyByte(256), Body: everyByte(1024)},
			"largest head":       {Head: everyByte(store.MaxHead), Body: everyByte(64 << 10)},
			"no head":            {Body: []byte("body alone")},
			"no body":            {Head: []byte("head alone")},
			"neither":            {},
			"empty, not nil":     {Head: []byte{}, Body: []byte{}},
			"zero bytes":         {Head: []byte{0}, Body: []byte{0, 0}},
			"blanks at the ends": {Head: []byte(" h "), Body: []byte("\n b \r\n")},
			"not UTF-8":          {Head: []byte{0xff, 0xfe}, Body: bytes.Repeat([]byte{0xc3}, 33)},
		}
		for key, want := range values {
			want.TTL = e.long
			created := e.mustCreate(s, key, want)
			e.sameBytes(key+", from Create", created, want)
			e.sameBytes(key+", from Get", e.mustGet(s, key), want)
			shown, _ := e.create(s, key, record("loser", e.long))
			e.sameBytes(key+", as the loser of Create is shown it", shown, want)
			e.sameBytes(key+", from Replace", e.mustReplace(s, key, created.Version, want), want)
			e.sameBytes(key+", from Get after Replace", e.mustGet(s, key), want)
		}
	},
}

var outFieldsAreIgnored = check{
	Name: "OutFieldsAreIgnored",
	Why: "Version, Age and Dropped of a record that is passed mean nothing, so that what Get returned can be passed back with another TTL; " +
		"an owner that renews that way must not be refused, nor have its body called dropped",
	Run: func(e *env) {
		s := e.store()
		mine := record("mine", e.long)
		mine.Version, mine.Age, mine.Dropped = 1<<40, time.Hour, true
		var created, replaced store.Record
		written := during(func() { created = e.mustCreate(s, "renewed", mine) })
		if created.Version == mine.Version {
			e.Errorf("Create of a record that says version %d: that version; want one that the store drew", mine.Version)
		}
		e.sameBytes("Create of a record that says Dropped", created, mine)
		e.rightTimes("Create of a record that says an Age", created, e.long, written, written)
		e.same("Get after that", e.mustGet(s, "renewed"), created)

		time.Sleep(e.unit)
		next := e.mustGet(s, "renewed")
		next.TTL = e.long / 2
		written = during(func() { replaced = e.mustReplace(s, "renewed", created.Version, next) })
		e.sameBytes("Replace by what Get returned", replaced, mine)
		e.rightTimes("Replace by what Get returned", replaced, e.long/2, written, written)

		next.Version, next.Dropped = 1<<40, true // as of another key, or long ago
		last := e.mustReplace(s, "renewed", replaced.Version, next)
		e.sameBytes("Replace by a record that says another version, and Dropped", last, mine)
		e.same("Get after that", e.mustGet(s, "renewed"), last)
		if created.Version >= replaced.Version || replaced.Version >= last.Version {
			e.Errorf("versions %d, %d and %d; want each greater than the one before, whatever the record says",
				created.Version, replaced.Version, last.Version)
		}
	},
}

var limitsAreEnforced = check{
	Name: "LimitsAreEnforced",
	Why: "a key over 512 bytes or a head over 4,096 is ErrTooLarge, an empty key is ErrInvalid, and nothing is written; " +
		"cut off instead, long keys would become one key",
	Run: func(e *env) {
		s := e.store()
		long := strings.Repeat("k", store.MaxKey)
		standing := e.mustCreate(s, long, record("the longest key", e.long))
		e.refused(s, long+"k", 1, record("r", e.long), store.ErrTooLarge)
		e.refused(s, "", 1, record("r", e.long), store.ErrInvalid)
		e.same("the record at the longest key", e.mustGet(s, long), standing)

		bulky := store.Record{Head: make([]byte, store.MaxHead+1), TTL: e.long}
		if _, created, err := s.Create(e.ctx, "bulky", bulky); created || !errors.Is(err, store.ErrTooLarge) {
			e.Errorf("Create with a head of %d bytes: %v and error %v; want store.ErrTooLarge", len(bulky.Head), created, err)
		}
		e.mustBeAbsent(s, "bulky", "Create refused it")
		if _, replaced, err := s.Replace(e.ctx, long, standing.Version, bulky); replaced || !errors.Is(err, store.ErrTooLarge) {
			e.Errorf("Replace with a head of %d bytes: %v and error %v; want store.ErrTooLarge", len(bulky.Head), replaced, err)
		}
		e.same("the record after a Replace that was refused", e.mustGet(s, long), standing)
	},
}

// refused checks that every method refuses the key with want.
func (e *env) refused(s store.Store, key string, version uint64, r store.Record, want error) {
	e.Helper()
	refusal := func(method string, ok bool, err error) {
		e.Helper()
		if ok || !errors.Is(err, want) {
			e.Errorf("%s with a key of %d bytes: %v and error %v; want %v", method, len(key), ok, err, want)
		}
	}
	_, ok, err := s.Get(e.ctx, key)
	refusal("Get", ok, err)
	_, ok, err = s.Create(e.ctx, key, r)
	refusal("Create", ok, err)
	_, ok, err = s.Replace(e.ctx, key, version, r)
	refusal("Replace", ok, err)
	ok, err = s.Delete(e.ctx, key, version)
	refusal("Delete", ok, err)
	if w, watches := s.(store.Watcher); watches {
		refusal("Watch", false, w.Watch(e.ctx, key, version))
	}
}
