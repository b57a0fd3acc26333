// Package store is the contract between Concord's layers and the places where
// they keep records: a versioned, expiring record under a key, changed by
// compare-and-set and nothing else.
//
// A record holds a claim on an idempotency key and later its outcome, the lease
// of the gate that writers of one resource pass, or an edit lock. Everything
// that Concord promises about concurrent requests rests on the rules below, and
// package storetest checks each of them; a store that fails one of its checks
// will sooner or later run a payment twice.
//
// # Rules
//
// Each method of [Store] is one atomic step on one key. A condition that does
// not hold (a record that stands already, a version that has moved on) is
// reported as false, never as an error; errors are failures of the store.
//
// An expired record is absent from the instant it expires, whatever garbage of
// it remains. Time is the store's clock alone: callers pass durations and get
// durations back, so that servers need not agree on the time of day.
//
// A version is strictly greater than every earlier version of its key, also
// across deletion, expiry and a restart of the store:
//
//	version = max(last version of the key + 1, the store's clock in µs)
//
// Versions are therefore fencing tokens, and can serve as entity tags. A record
// that is deleted or expires leaves its version behind for [Grace], longer than
// any step of the clock, so that nothing needs to be kept per key for ever.
//
// Heads are never evicted. [Store.Create] fails with [ErrFull] when there is no
// room; [Store.Replace], which only the owner of a record succeeds with, never
// fails for want of room: it drops the body and says so in [Record.Dropped].
//
// A call may be delivered twice, since client libraries repeat calls whose
// reply was lost. Whoever writes puts a random nonce into the head, and
// recognises its own record when Create or Replace says false.
//
// The slices of a record are read-only on both sides, for ever: neither the
// caller nor the store writes to them after they were passed or returned.
package store
