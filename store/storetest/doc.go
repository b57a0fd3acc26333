// Package storetest checks that a store keeps the contract of package store.
// Every store must pass it, Concord's own and a third party's alike:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Store {
//			s := mystore.New(...)
//			t.Cleanup(func() { s.Close() })
//			return s
//		})
//	}
//
// Each rule is a subtest of its own. One that fails says, after what it saw,
// what the contract wants and why. What cannot be checked on the store at hand,
// because the store does not implement an optional interface or because the
// caller gave no [Option] for it, is a skipped subtest with the reason, so that
// nothing is left out in silence.
//
// A store whose time is that of the process is checked with [InBubble], which
// takes no real time at all and can tell the instant of expiry from the
// nanosecond before it. Other stores are checked with short real waits. No
// check demands that something happens quickly, so a slow machine makes the
// suite slow and not red.
//
// Run the suite with the race detector: the check that nobody writes to a
// shared slice is blind to half of its faults without it.
//
// The transactions of a store.Beginner are not covered yet.
package storetest
