package lease

import (
	"context"

	"github.com/concordhttp/concord/store"
)

// holding returns the live lease on key in s that ctx is a descendant of, or
// nil. Leases of other keys and stores, and those that were released or lost,
// are passed over: what they are nested in may hold it.
func holding(ctx context.Context, s store.Store, key string) *Lease {
	l, found := ctx.Value(marker).(*Lease)
	for found && (l.key != key || l.keeper.config.Store != s || l.Err() != nil) {
		l, found = l.parent.Value(marker).(*Lease)
	}
	return l
}

// fixedIn returns the innermost live lease in s, of whatever key, that ctx is a
// descendant of and that is not renewed; or nil.
func fixedIn(ctx context.Context, s store.Store) *Lease {
	l, found := ctx.Value(marker).(*Lease)
	for found {
		if holder := l.holder(); holder.fixed() && holder.keeper.config.Store == s && l.Err() == nil {
			return holder
		}
		l, found = l.parent.Value(marker).(*Lease)
	}
	return nil
}

// holder is the lease that holds the record: l, unless that is borrowed.
func (l *Lease) holder() *Lease {
	if l.owner != nil {
		return l.owner
	}
	return l
}

// fixed reports whether l, which holds its record, is one that nobody renews.
func (l *Lease) fixed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.term.fixed()
}

// borrow returns a lease for work that is nested in the owner's, with ctx as
// its parent. It ends with the owner, and releasing it ends nothing but it.
func borrow(ctx context.Context, owner *Lease) *Lease {
	owner = owner.holder()
	return &Lease{keeper: owner.keeper, parent: ctx, owner: owner, key: owner.key, token: owner.token}
}

// Borrowed reports whether the lease is nested in one that its context held
// already: releasing it ends nothing but it, and whoever holds the record goes
// on holding it.
func (l *Lease) Borrowed() bool { return l.owner != nil }
