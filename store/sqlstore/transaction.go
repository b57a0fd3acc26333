package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"sync"

	"github.com/concordhttp/concord/store"
)

// Begin implements [store.Beginner]. Nothing is asked of the database before the
// handler asks for the transaction, with [Tx] or [Conn], or a record is written
// in it: a handler that only looks at its request costs none.
//
// The transaction ends with ctx, which is rolled back then: package database/sql
// sees to that where the process is alive. Where it is not, or stands still, the
// database does, by the deadline of ctx, and frees what was locked:
//
//   - PostgreSQL ends a session that is idle, or a statement that runs, for as
//     long as was left when the transaction began (from version 17 on, the
//     transaction itself, on time). Once the record is written it may be idle for
//     five seconds at most.
//   - MySQL and MariaDB end a session that is idle for as long, to the second, and
//     a statement that waits for a row. One that runs on is ended by its client
//     alone.
//   - SQLite knows no such thing: its locks end with the process, and a process
//     that stands still with a transaction that has written stops every other.
//
// The record is written last, just before the commit, so that until then nobody
// who takes the key over waits for its lock. An error of a statement in the
// transaction is not tried again, and has the driver's error in its chain. After
// one, of a record, Commit fails.
//
// MySQL and SQLite end a transaction by themselves, after a deadlock or a full
// disk, and take what follows for one statement after another. The commit then
// fails, because its savepoint is gone. On MySQL what followed is rolled back all
// the same, for autocommit is off meanwhile; on SQLite what a handler writes in
// spite of such an error stays.
func (s *Store) Begin(ctx context.Context) (store.Tx, error) {
	if err := s.usable(ctx, "begin"); err != nil {
		return nil, err
	}
	return &transaction{s: s, ctx: ctx}, nil
}

// transaction is one that begins when it is first of use.
type transaction struct {
	s   *Store
	ctx context.Context // of Begin: with it the transaction ends

	mu     sync.Mutex
	tx     *sql.Tx // nil: it has not begun
	leave  leave
	proved bool  // it was alive when its record was to be written
	failed error // a statement of a record has failed: nothing but a rollback is left
	ended  bool
}

var _ store.Tx = (*transaction)(nil)

// leave gives back the connection of a transaction that has ended. Clean: by
// Commit or Rollback, and they have said so.
type leave func(clean bool)

// begun returns the transaction, which it begins on db if that is to be done.
// Under mu.
func (t *transaction) begun(db *sql.DB) (*sql.Tx, error) {
	switch {
	case t.ended:
		return nil, sql.ErrTxDone
	case t.failed != nil:
		return nil, t.failed
	case t.tx != nil:
		return t.tx, nil
	}
	options := &sql.TxOptions{Isolation: t.s.config.Isolation}
	tx, leave, err := t.s.steps.begin(t.ctx, db, options)
	if err != nil {
		t.failed = failure(t.ctx, "begin", err)
		return nil, t.failed
	}
	t.tx, t.leave = tx, leave
	return tx, nil
}

// step takes a step on records in the transaction. Whether that is still there is
// found out before the first of them: its place may have been taken by none, in
// which each statement commits by itself.
func (t *transaction) step(ctx context.Context, what string, step func(steps, *sql.Tx) (done bool, err error)) error {
	if err := t.s.usable(ctx, what); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	tx, err := t.begun(t.s.config.Records)
	if err != nil {
		return fmt.Errorf("sqlstore: %s: %w", what, err)
	}
	err = t.prove(ctx)
	for n := 0; err == nil; n++ {
		var done bool
		done, err = step(t.s.steps.inside(), tx)
		if err == nil && !done && !pause(ctx, retryMin, retryMax, n) {
			err = errContended
		}
		if done {
			break
		}
	}
	if err != nil {
		t.failed = failure(ctx, what, err)
	}
	return t.failed
}

// prove finds out whether the database has ended the transaction. Under mu.
func (t *transaction) prove(ctx context.Context) error {
	if t.proved {
		return nil
	}
	t.proved = true
	return t.s.steps.alive(ctx, t.tx)
}

// Get implements [store.Store], as the transaction sees it.
func (t *transaction) Get(ctx context.Context, key string) (r store.Record, found bool, err error) {
	if err := store.CheckKey(key); err != nil {
		return store.Record{}, false, err
	}
	err = t.step(ctx, "get", func(d steps, tx *sql.Tx) (bool, error) {
		r, found, err = get(ctx, d, tx, []byte(key))
		return true, err
	})
	return r, found && err == nil, err
}

// Create implements [store.Store].
func (t *transaction) Create(ctx context.Context, key string, r store.Record) (standing store.Record, created bool, err error) {
	w, err := newWrite(key, r, t.s.config.MaxBody, false)
	if err != nil {
		return store.Record{}, false, err
	}
	err = t.step(ctx, "create", func(d steps, tx *sql.Tx) (done bool, err error) {
		standing, created, done, err = create(ctx, d, tx, w, r)
		return done, err
	})
	return standing, created && err == nil, err
}

// Replace implements [store.Store].
func (t *transaction) Replace(ctx context.Context, key string, version uint64, r store.Record) (standing store.Record, replaced bool, err error) {
	w, err := newWrite(key, r, t.s.config.MaxBody, true)
	if err != nil {
		return store.Record{}, false, err
	}
	err = t.step(ctx, "replace", func(d steps, tx *sql.Tx) (done bool, err error) {
		standing, replaced, done, err = replace(ctx, d, tx, version, w, r)
		return done, err
	})
	return standing, replaced && err == nil, err
}

// Delete implements [store.Store].
func (t *transaction) Delete(ctx context.Context, key string, version uint64) (deleted bool, err error) {
	if err := store.CheckKey(key); err != nil {
		return false, err
	}
	err = t.step(ctx, "delete", func(d steps, tx *sql.Tx) (done bool, err error) {
		if v, possible := signed(version); possible {
			deleted, err = d.remove(ctx, tx, []byte(key), v)
		}
		return true, err
	})
	return deleted && err == nil, err
}
