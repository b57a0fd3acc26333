package lease

import (
	"context"
	"fmt"

	"github.com/concordhttp/concord/store"
)

// Try makes one attempt to acquire key and never waits for another's lease to
// end. A nil Lease without an error: another's record stands, and Standing says
// what is known of it; its zero value says that a record was in the way and is
// gone again. Errors are failures of the store, [ErrCorrupt] with the record
// in Standing, or the error of ctx, which is also the parent of the Lease.
func (k *Keeper) Try(ctx context.Context, key string, c Claim) (*Lease, Standing, error) {
	if err := k.complete(&c); err != nil {
		return nil, Standing{}, err
	}
	var s Standing
	l, err := k.try(ctx, ctx, key, &c, &s)
	return l, s, err
}

// Takeover acquires key from an owner that is gone: it replaces the orphan that
// was seen, if exactly that version still stands. Otherwise it is as [Keeper.Try]: the
// owner may have renewed it after all, or another taker was faster. If what was
// seen is no orphan nothing is written, and seen is returned.
func (k *Keeper) Takeover(ctx context.Context, key string, seen Standing, c Claim) (*Lease, Standing, error) {
	if err := k.complete(&c); err != nil {
		return nil, Standing{}, err
	}
	// The record decides, since the caller could have changed the rest.
	s, err := read(seen.Record, k.config.Margin)
	if err != nil || !s.Orphan {
		return nil, s, err
	}
	return k.over(ctx, key, seen.Record.Version, &c)
}

// Seize acquires key by replacing exactly the version that was seen, whatever
// it says: a claim, an outcome, or bytes that nobody can read. It is for
// callers that know more than the record does, such as an operator who has
// found out that the owner is dead. Otherwise it is as [Keeper.Try]. A record
// of version 0, which is none, is an error that wraps store.ErrInvalid.
func (k *Keeper) Seize(ctx context.Context, key string, seen store.Record, c Claim) (*Lease, Standing, error) {
	if err := k.complete(&c); err != nil {
		return nil, Standing{}, err
	}
	if seen.Version == 0 {
		return nil, Standing{}, fmt.Errorf("lease: seize: %w: there is no record", store.ErrInvalid)
	}
	return k.over(ctx, key, seen.Version, &c)
}

// over acquires key by writing over a version of its record.
func (k *Keeper) over(ctx context.Context, key string, version uint64, c *Claim) (*Lease, Standing, error) {
	var s Standing
	l, err := k.write(ctx, ctx, key, version, c, &s)
	return l, s, err
}

// complete fills in what c leaves zero, and checks it.
func (k *Keeper) complete(c *Claim) error {
	shortest := k.config.Lease + k.config.Margin
	c.TTL = orDefault(c.TTL, shortest)
	return c.check(shortest)
}

// vanished bounds how often try goes after a record that is gone whenever it
// is looked at.
const vanished = 3

// try creates the record. The attempt ends with within, the lease with ctx. What
// stands in the way is left in s, a zero one.
func (k *Keeper) try(within, ctx context.Context, key string, c *Claim, s *Standing) (l *Lease, err error) {
	for range vanished {
		l, err = k.write(within, ctx, key, 0, c, s)
		if l != nil || err != nil || s.Record.Version != 0 {
			break
		}
	}
	return l, err
}

// write acquires key by writing over version, 0 being none. What stands in the
// way is left in s.
func (k *Keeper) write(within, ctx context.Context, key string, version uint64, c *Claim, s *Standing) (*Lease, error) {
	if within.Err() != nil {
		return nil, ended(within)
	}
	l := k.prepare(within, ctx, key, c)
	defer l.acquiring.finish()
	a := k.put(&l.acquiring, l, version)
	if a.err != nil && open(a.err) {
		a = k.follow(l, version, a)
	}
	switch {
	case a.err != nil:
		return nil, unanswered(within, a.err)
	case !a.ours(l):
		var err error
		*s, err = read(a.standing, k.config.Margin)
		return nil, err
	case !l.begin(a.standing.Version):
		own, cancel := context.WithTimeout(context.Background(), k.config.CallTimeout)
		defer cancel()
		k.takeBack(own, l, version, a)
		return nil, unanswered(within, context.DeadlineExceeded)
	}
	return l, nil
}

// prepare makes the lease that the attempt is for. Its time runs from here,
// before anything is sent.
func (k *Keeper) prepare(within, ctx context.Context, key string, c *Claim) *Lease {
	now := k.clock.now()
	own, ttl := k.config.Lease-k.config.Margin, c.TTL
	if !c.until.IsZero() {
		own = max(0, min(now.until(k.clock.instant(c.until)), k.config.MaxRun, MaxLease-k.config.Margin))
		ttl = own + 2*k.config.Margin
	}
	l := c.Room
	if c.Room = nil; l == nil {
		l = new(Lease)
	}
	l.keeper, l.parent, l.key, l.ttl = k, ctx, key, ttl
	room := c.HeadRoom
	if c.HeadRoom = nil; room == nil {
		room = l.headRoom[:]
	}
	l.head = head{state: held, nonce: k.nonces.next(), lease: own + k.config.Margin, note: c.Note}.append(room[:0])
	l.term.ends = now.add(k.config.MaxRun)
	l.acquiring = call{parent: within, keeper: k}
	l.term.count(now, own+k.config.Margin, k.config.Margin)
	if c.Fixed {
		l.term.fix()
	}
	l.acquiring.until.Store(int64(now.add(min(k.config.CallTimeout, own))))
	return l
}
