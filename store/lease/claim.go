package lease

import (
	"fmt"
	"time"

	"github.com/concordhttp/concord/store"
)

// Claim is what a caller asks for.
type Claim struct {
	// Note is kept in the record for whoever finds it, up to MaxNote bytes. It
	// is copied.
	Note []byte
	// TTL is how long the record outlives its last write. Zero: Lease and
	// Margin, so that the record is gone when its owner is. At least that much;
	// with more, the record of a dead owner stands as an orphan.
	TTL time.Duration
	// Wait is how long Acquire waits for the key. Zero or less: not at all.
	Wait time.Duration
	// Fixed: the lease is never renewed, so that it ends, with ErrMaxRun, a
	// Margin before the first Lease is over. It is for work whose record a
	// transaction holds locked meanwhile, and a renewal would wait for or fight
	// with.
	Fixed bool

	// until, unless it is zero, is when the lease ends at the latest, whatever
	// the Keeper's Lease. It is for one that is Fixed.
	until time.Time

	// Room, unless it is nil, is where the Lease is made, to save an allocation
	// where the caller has a struct of its own. It must be zero, and must not be
	// used again, whether or not there is a Lease in the end.
	Room *Lease
	// HeadRoom, if it can hold them, is where the HeadSize and the Note are put
	// together, to save an allocation. The Note may be there already, HeadSize
	// from the start. The store keeps it: it must not be used for anything else,
	// ever.
	HeadRoom []byte
}

// check reports every mistake in c, given the shortest TTL that is safe. A
// record that lapses before its owner stops would let a second owner in.
func (c *Claim) check(shortest time.Duration) error {
	switch {
	case len(c.Note) > MaxNote:
		return fmt.Errorf("lease: claim: %w: note of %d bytes, the limit is %d", store.ErrTooLarge, len(c.Note), MaxNote)
	case c.TTL < shortest:
		return fmt.Errorf("lease: claim: %w: TTL of %v, at least Lease and Margin (%v) are needed", store.ErrInvalid, c.TTL, shortest)
	}
	return nil
}

// Standing is the record that stands under a key. The zero value: none does.
type Standing struct {
	Record store.Record  // as the store returned it; its slices are read-only
	Held   bool          // its owner claimed it and has not settled it
	Lease  time.Duration // how long a hold lasts from each write, as the record states it
	Note   []byte        // the note of its Claim or of its Settle; read-only
	Orphan bool          // held, and older than its lease and the margin: the owner has stopped, or is dead
}

// read judges a record by the lease that it states, never by the reader's own:
// its owner may be configured with a longer one.
func read(r store.Record, margin time.Duration) (Standing, error) {
	if r.Version == 0 {
		return Standing{}, nil
	}
	h, err := decodeHead(r.Head)
	if err != nil {
		return Standing{Record: r}, err
	}
	return Standing{
		Record: r,
		Held:   h.state == held,
		Lease:  h.lease,
		Note:   h.note,
		Orphan: h.state == held && r.Age >= h.lease+margin,
	}, nil
}

// mayEnd reports whether it can help to wait for so long: a live owner may
// finish, an orphan may expire, and what is gone already leaves the key free.
// An outcome is what it is.
func (s *Standing) mayEnd(wait time.Duration) bool {
	if s.Record.Version == 0 {
		return true
	}
	return s.Held && (!s.Orphan || s.Record.TTL <= wait)
}

// left is how long s stands as it does unless somebody writes it: until it
// expires, or becomes an orphan before.
func (s *Standing) left(margin time.Duration) time.Duration {
	if s.Orphan {
		return s.Record.TTL
	}
	return min(s.Record.TTL, s.Lease+margin-s.Record.Age)
}

// Read judges a record that was found in the store: by the lease that it
// states, and by the Keeper's margin. [ErrCorrupt]: Standing has the record
// alone.
func (k *Keeper) Read(r store.Record) (Standing, error) {
	return read(r, k.config.Margin)
}
