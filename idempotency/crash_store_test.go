package idempotency_test

import (
	"context"
	"time"

	"github.com/concordhttp/concord/store"
)

// crashStore is a server's way to the store. Each call takes its time, now and
// then one loses its reply, and some are delivered twice.
type crashStore struct{ s *crashServer }

var (
	_ store.Watcher  = (*crashStore)(nil)
	_ store.Beginner = (*crashStore)(nil)
)

// noPoint is none at which a server dies.
const noPoint = crashPoint(-1)

// carry delivers a call. The server may die at before until it has arrived, and
// at after until its answer has.
func (c *crashStore) carry(ctx context.Context, before, after crashPoint, call func() error) error {
	s := c.s
	s.mu.Lock()
	n := s.random.IntN(50)
	lost := n == 0 && !s.faulty
	s.faulty = lost
	s.mu.Unlock()
	if err := s.travel(ctx, before); err != nil {
		return err
	}
	if n == 1 {
		_ = call()
	}
	if err := call(); err != nil {
		return err
	}
	if err := s.travel(ctx, after); err != nil {
		return err
	}
	if lost {
		return errLinkCut
	}
	return nil
}

// travel is the way of a call or of its answer. The server may die at p.
func (s *crashServer) travel(ctx context.Context, p crashPoint) error {
	if p != noPoint {
		if err := s.pass(p); err != nil {
			return err
		}
	}
	d, lost := time.Duration(s.intn(20e6)), error(nil)
	if now := time.Now(); now.After(s.cut[0]) && now.Before(s.cut[1]) {
		d, lost = s.cut[1].Sub(now), errLinkCut
	}
	s.rest(ctx, d)
	switch {
	case s.isOff():
		return s.powered()
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return lost
}

// either is p before or after the call.
func (c *crashStore) either(p crashPoint) (before, after crashPoint) {
	if p != noPoint && c.s.intn(2) == 0 {
		return p, noPoint
	}
	return noPoint, p
}

func (c *crashStore) Get(ctx context.Context, key string) (r store.Record, found bool, err error) {
	err = c.carry(ctx, noPoint, noPoint, func() (err error) {
		r, found, err = c.s.w.store.Get(ctx, key)
		return err
	})
	return r, found, err
}

func (c *crashStore) Create(ctx context.Context, key string, r store.Record) (out store.Record, created bool, err error) {
	c.claims(r)
	err = c.carry(ctx, beforeClaim, afterClaim, func() (err error) {
		out, created, err = c.s.w.store.Create(ctx, key, r)
		return err
	})
	return out, created, err
}

func (c *crashStore) Replace(ctx context.Context, key string, version uint64, r store.Record) (out store.Record, replaced bool, err error) {
	point := midRecord
	if isClaim(r) {
		if point = noPoint; c.claims(r) {
			point = duringRenewal
		}
	}
	before, after := c.either(point)
	err = c.carry(ctx, before, after, func() (err error) {
		out, replaced, err = c.s.w.store.Replace(ctx, key, version, r)
		return err
	})
	return out, replaced, err
}

func (c *crashStore) Delete(ctx context.Context, key string, version uint64) (deleted bool, err error) {
	before, after := c.either(duringRelease)
	err = c.carry(ctx, before, after, func() (err error) {
		deleted, err = c.s.w.store.Delete(ctx, key, version)
		return err
	})
	return deleted, err
}

func (c *crashStore) Watch(ctx context.Context, key string, version uint64) error {
	if err := c.s.travel(ctx, noPoint); err != nil {
		return err
	}
	err := c.s.w.store.Watch(ctx, key, version)
	if off := c.s.powered(); off != nil {
		return off
	}
	return err
}

// isClaim reports whether r is held: the second byte of a lease's head says so.
func isClaim(r store.Record) bool { return r.Head[1] == 1 }

// claims reports whether a claim was made by this server before, as its nonce
// tells, and remembers it.
func (c *crashStore) claims(r store.Record) (again bool) {
	nonce := string(r.Head[2:18])
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	again, c.s.nonces[nonce] = c.s.nonces[nonce], true
	return again
}

func (c *crashStore) Begin(ctx context.Context) (store.Tx, error) {
	if err := c.s.travel(ctx, noPoint); err != nil {
		return nil, err
	}
	tx, err := c.s.w.store.Begin(ctx)
	if err != nil {
		return nil, err
	}
	return &crashTx{tx, c}, nil
}

// crashTx is a server's side of a transaction. What a dead server has begun
// stays open until the database ends it.
type crashTx struct {
	store.Tx
	c *crashStore
}

func (t *crashTx) Replace(ctx context.Context, key string, version uint64, r store.Record) (store.Record, bool, error) {
	if u, _ := t.Tx.(*txUnit); u.plan.lax > 0 { // the process is paused, and the database waits for it
		ctx = context.WithoutCancel(ctx)
		t.c.s.rest(ctx, time.Duration(t.c.s.intn(int(time.Minute))))
	}
	if err := t.c.s.travel(ctx, noPoint); err != nil {
		return store.Record{}, false, err
	}
	return t.Tx.Replace(ctx, key, version, r)
}

func (t *crashTx) Commit() error {
	before, after := t.c.either(midRecord)
	if err := t.c.s.travel(context.Background(), before); err != nil {
		return err
	}
	err := t.Tx.Commit()
	if off := t.c.s.travel(context.Background(), after); off != nil {
		return off
	}
	return err
}

func (t *crashTx) Rollback() error {
	if err := t.c.s.powered(); err != nil {
		return err
	}
	return t.Tx.Rollback()
}
