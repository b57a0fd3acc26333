package storetest

import (
	"bytes"
	"fmt"

	"github.com/concordhttp/concord/store"
)

// The steps that checks are made of: calls that end the check on an error, and
// comparisons of what they returned.

func (e *env) get(s store.Store, key string) (store.Record, bool) {
	e.Helper()
	r, found, err := s.Get(e.ctx, key)
	e.noError(err, "Get of %.40q", key)
	return r, found
}

func (e *env) create(s store.Store, key string, r store.Record) (store.Record, bool) {
	e.Helper()
	standing, created, err := s.Create(e.ctx, key, r)
	e.noError(err, "Create of %.40q", key)
	return standing, created
}

func (e *env) replace(s store.Store, key string, version uint64, r store.Record) (store.Record, bool) {
	e.Helper()
	standing, replaced, err := s.Replace(e.ctx, key, version, r)
	e.noError(err, "Replace of %.40q at version %d", key, version)
	return standing, replaced
}

func (e *env) delete(s store.Store, key string, version uint64) bool {
	e.Helper()
	deleted, err := s.Delete(e.ctx, key, version)
	e.noError(err, "Delete of %.40q at version %d", key, version)
	return deleted
}

// mustCreate is for keys at which nothing stands.
func (e *env) mustCreate(s store.Store, key string, r store.Record) store.Record {
	e.Helper()
	standing, created := e.create(s, key, r)
	if !created {
		e.Fatalf("Create of %.40q: another record stands, %s; want it created, there is none", key, show(standing))
	}
	return standing
}

// mustReplace is for the version that stands.
func (e *env) mustReplace(s store.Store, key string, version uint64, r store.Record) store.Record {
	e.Helper()
	standing, replaced := e.replace(s, key, version, r)
	if !replaced {
		e.Fatalf("Replace of %.40q at version %d: false, %s stands; want it replaced, that version stands", key, version, show(standing))
	}
	return standing
}

// mustDelete is for the version that stands.
func (e *env) mustDelete(s store.Store, key string, version uint64) {
	e.Helper()
	if !e.delete(s, key, version) {
		e.Fatalf("Delete of %.40q at version %d: false; want it deleted, that version stands", key, version)
	}
}

// mustGet is for keys at which something stands.
func (e *env) mustGet(s store.Store, key string) store.Record {
	e.Helper()
	r, found := e.get(s, key)
	if !found {
		e.Fatalf("Get of %.40q: there is none; want the record that stands", key)
	}
	return r
}

// mustBeAbsent is for keys at which nothing stands.
func (e *env) mustBeAbsent(s store.Store, key, because string) {
	e.Helper()
	if r, found := e.get(s, key); found {
		e.Fatalf("Get of %.40q: %s; want none, %s", key, show(r), because)
	}
}

// noError ends the check if err is one.
func (e *env) noError(err error, format string, args ...any) {
	e.Helper()
	if err != nil {
		e.Fatalf("%s: error %q; want none", fmt.Sprintf(format, args...), err)
	}
}

// same compares what a store returned with the record that stands: bytes and
// version. A nil slice equals an empty one, since most servers cannot tell
// them apart.
func (e *env) same(what string, got, want store.Record) {
	e.Helper()
	if got.Version != want.Version {
		e.Errorf("%s: version %d; want %d", what, got.Version, want.Version)
	}
	e.sameBytes(what, got, want)
}

// sameBytes compares heads and bodies alone.
func (e *env) sameBytes(what string, got, want store.Record) {
	e.Helper()
	if !bytes.Equal(got.Head, want.Head) {
		e.Errorf("%s: head %.40q (%d bytes); want %.40q (%d bytes)", what, got.Head, len(got.Head), want.Head, len(want.Head))
	}
	if got.Dropped || !bytes.Equal(got.Body, want.Body) {
		e.Errorf("%s: body %.40q (%d bytes), dropped: %v; want %.40q (%d bytes)", what,
			got.Body, len(got.Body), got.Dropped, want.Body, len(want.Body))
	}
}

// show says what a record is, for a message.
func show(r store.Record) string {
	if r.Version == 0 {
		return "no record"
	}
	return fmt.Sprintf("the record %.40q of version %d", r.Head, r.Version)
}
