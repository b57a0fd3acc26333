// Package lease turns one record in a [store.Store] into a hold on something:
// exclusive while it lasts, renewed while its owner works, lost when it cannot
// be renewed, and numbered so that late writes can be told apart. [Gate] is the
// mutual exclusion that writers of one resource pass; [Keeper] is the same
// mechanism for records that also carry what was claimed and how it ended.
//
// # Who may write when
//
// To acquire is to Create the record; one of N racers succeeds. Its owner alone
// then writes it, always by compare-and-set on the version that it wrote last:
// a renewal replaces it, [Lease.Release] deletes it, [Lease.Settle] replaces it
// by the outcome. An owner makes one write at a time; finishing waits for a
// renewal under way. Each acquisition puts a nonce of its own into the head, so
// that an owner recognises a write of its own whose reply was lost, or that was
// delivered twice, and nobody else's.
//
// # Why the owner stops before the taker starts
//
// The record states the lease: how long the hold lasts from each write of it.
// The owner counts from the moment it sent the last write that the store
// acknowledged, which is before the store wrote it, and stops a margin before
// the lease is over: the [Lease], which is the context of the work, ends with
// [ErrLost] as its cause, even while a renewal hangs. A taker waits for the
// lease that the record states, whatever its own is, and a margin more, counted
// by the store's clock from when the store wrote. Between the two instants lie
// two margins and the time that the write took to arrive, to make up for clocks
// that run at different rates and for goroutines that are scheduled late. The
// time of day plays no part.
//
// A record whose time to live is the lease and the margin (the default, and the
// gate's) is gone when its time has come, so that a taker simply creates its
// own. A claim that must outlive its owner, because nobody can know whether the
// work was done, has a longer time to live. It becomes an orphan when its Age
// exceeds the lease that it states, and what then happens is for the caller to
// decide: [Keeper.Takeover] replaces exactly the version that was seen.
//
// # What the token is for
//
// [Lease.Token] is the version of the acquisition. It never changes while the
// lease lasts, renewals included, and every later acquisition of the same key
// has a greater one. Pass it along with a write to anything that can remember
// the greatest token it has seen and refuse smaller ones: that closes the gap
// that follows.
//
// # What is not promised
//
// An owner that ignores its context keeps on working when its lease is lost,
// and then overlaps with its successor. So does a process that is paused
// between the moment it looked at its context and the write that followed, or
// a machine that was suspended: its monotonic clock may have stood still. The
// token protects what checks it, nothing protects the rest. Exclusion is also
// no better than the store: one that forgets records, or whose versions repeat,
// breaks it. Waiters are served in order within a process and in no order
// between processes.
//
// Nonces are random bytes drawn when a [Keeper] is made, and a counter. Two
// copies of a virtual machine or process that are resumed from one snapshot
// have both in common, and can take each other's record for their own: make
// the Keeper after such a copy is started.
//
// # Cost
//
// A [Keeper] has one timer for all its leases and no goroutine of its own. A
// renewal runs on a goroutine that lives for one call of the store; a create
// without a reply, or a delete that a store which is away did not carry out, is
// followed up on one that lives for Config.CallTimeout at most. When no lease is
// held nothing else runs, so there is nothing to close.
package lease
