package storetest

import (
	"fmt"
	"strings"

	"github.com/concordhttp/concord/store"
)

// distinctKeys are keys that some server or encoding takes for each other, or
// cannot take at all.
func distinctKeys() []string {
	return []string{
		"a", "A", "a ", " a", "a\t", "a\n", "aa",
		"\x00", "\x00\x00", "a\x00", "a\x00b", "a\x00c",
		"\xff", "\xff\xfe", "\xc3\x28", "a\x80", "\xed\xa0\x80",
		"\u00e9", "e\u0301", "\u00df", "ss", "\u0130", "i", "\U0001f512",
		"a/b", "a.b", "a:b", "a-b", "a_b", "aXb", "a%b", "a*", "a>", "a?", "..", ".", "/", "%00", "%61",
		"{a}b", "{a}c", "'", "''", `"`, `\`, `\\`, "'; DROP TABLE records; --", "$1", "0", "00", "0x0", "null",
		strings.Repeat("k", store.MaxKey), strings.Repeat("k", store.MaxKey-1),
		strings.Repeat("k", store.MaxKey-1) + "l", strings.Repeat("\xff", store.MaxKey),
		strings.Repeat("\x00", store.MaxKey),
	}
}

var keysAreAnyBytes = check{
	Name: "KeysAreAnyBytes",
	Why: "keys are any 1 to 512 bytes, and two that differ in any byte are different keys; " +
		"where they are folded, trimmed or cut off, one caller is answered with another's record",
	Run: func(e *env) {
		s := e.store()
		keys := distinctKeys()
		standing := make(map[string]store.Record, len(keys))
		for i, key := range keys {
			r, created := e.create(s, key, record(fmt.Sprintf("record %d", i), e.long))
			if !created {
				e.Fatalf("Create of %.40q: %s stands already; want each of the keys to be one of its own", key, show(r))
			}
			standing[key] = r
		}
		for i, key := range keys {
			if i%2 == 0 {
				e.mustDelete(s, key, standing[key].Version)
			} else {
				standing[key] = e.mustReplace(s, key, standing[key].Version, record(fmt.Sprintf("again %d", i), e.long))
			}
		}
		for i, key := range keys {
			if i%2 == 0 {
				e.mustBeAbsent(s, key, "it was deleted, and the others are other keys")
			} else {
				e.same(fmt.Sprintf("Get of %.40q", key), e.mustGet(s, key), standing[key])
			}
		}
	},
}

var keysDoNotDisturbEachOther = check{
	Name: "KeysDoNotDisturbEachOther",
	Why: "each step is one of one key, so someone who is alone at a key gets the answers of someone who is alone; " +
		"a step that touches a neighbour undoes it without a trace",
	Run: func(e *env) {
		s := e.store()
		name := func(i int) string { return fmt.Sprintf("key %03d", i) }
		quiet := map[string]store.Record{} // keys that nobody touches
		for i := range 2 * racers {
			key := name(2*racers + i)
			quiet[key] = e.mustCreate(s, key, record(key, e.long))
		}
		answers := race(2*racers, func(i int) (store.Record, bool, error) {
			for round := range rounds {
				if err := e.alone(s, name(i), fmt.Sprintf("%d %d", i, round)); err != nil {
					return store.Record{}, false, fmt.Errorf("round %d: %w", round, err)
				}
			}
			return store.Record{}, true, nil
		})
		for _, a := range answers {
			if a.err != nil {
				e.Errorf("alone at key %d: %v", a.racer, a.err)
			}
		}
		for key, want := range quiet {
			e.same("a record that nobody touched", e.mustGet(s, key), want)
		}
	},
}

// alone takes a key through its life, and returns what surprises someone who
// knows that nobody else uses it.
func (e *env) alone(s store.Store, key, nonce string) error {
	created, ok, err := s.Create(e.ctx, key, record(nonce, e.long))
	if err := certain("Create", ok, err); err != nil {
		return err
	}
	replaced, ok, err := s.Replace(e.ctx, key, created.Version, record(nonce+" again", e.long))
	if err := certain("Replace", ok, err); err != nil {
		return err
	}
	got, ok, err := s.Get(e.ctx, key)
	if err := certain("Get", ok, err); err != nil {
		return err
	}
	if got.Version != replaced.Version || string(got.Head) != nonce+" again" {
		return fmt.Errorf("from Get: %s; want %s", show(got), show(replaced))
	}
	ok, err = s.Delete(e.ctx, key, replaced.Version)
	return certain("Delete", ok, err)
}

// certain returns an error unless a step succeeded whose condition must hold.
func certain(method string, ok bool, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("from %s: %w", method, err)
	case !ok:
		return fmt.Errorf("from %s: false; want true", method)
	}
	return nil
}
