package sqlstore

import (
	"context"
	"database/sql"
	"errors"
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
	type opened struct {
		tx    *sql.Tx
		leave leave
	}
	o, err := bounded(t.ctx, func() (opened, error) {
		tx, leave, err := t.s.steps.begin(t.ctx, db, options)
		if err == nil && t.ctx.Err() != nil { // nobody may be there any more
			err = errors.Join(t.ctx.Err(), tx.Rollback())
			leave(false)
		}
		return opened{tx, leave}, err
	})
	if err != nil {
		t.failed = failure(t.ctx, "begin", err)
		return nil, t.failed
	}
	t.tx, t.leave = o.tx, o.leave
	return t.tx, nil
}

// inside takes a step on records in the transaction. Whether that is still there
// is found out before the first of them: its place may have been taken by none, in
// which each statement commits by itself.
func (t *transaction) inside(ctx context.Context, what string, f func(context.Context, steps, Querier) (answer, bool, error)) (answer, error) {
	if err := t.s.usable(ctx, what); err != nil {
		return answer{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	tx, err := t.begun(t.s.config.Records)
	if err != nil {
		return answer{}, fmt.Errorf("sqlstore: %s: %w", what, err)
	}
	within, cancel := context.WithTimeout(ctx, t.s.config.CallTimeout)
	defer cancel()
	take := step[answer](func(ctx context.Context) (answer, bool, error) { return f(ctx, t.s.steps.inside(), tx) })
	err = t.prove(within)
	for n := 0; err == nil; n++ {
		o, failed := take.take(within)
		if failed == nil && o.done {
			return o.value, nil
		}
		if err = failed; err == nil && !pause(within, retryMin, retryMax, n) {
			err = errContended
		}
	}
	t.failed = failure(ctx, what, err)
	return answer{}, t.failed
}

// prove finds out whether the database has ended the transaction. Under mu.
func (t *transaction) prove(ctx context.Context) error {
	if t.proved {
		return nil
	}
	t.proved = true
	_, err := bounded(ctx, func() (struct{}, error) { return struct{}{}, t.s.steps.alive(ctx, t.tx) })
	return err
}

// Get implements [store.Store], as the transaction sees it.
func (t *transaction) Get(ctx context.Context, key string) (store.Record, bool, error) {
	if err := store.CheckKey(key); err != nil {
		return store.Record{}, false, err
	}
	a, err := t.inside(ctx, "get", func(ctx context.Context, d steps, q Querier) (answer, bool, error) {
		return get(ctx, d, q, []byte(key))
	})
	return a.record, a.ok, err
}

// Create implements [store.Store].
func (t *transaction) Create(ctx context.Context, key string, r store.Record) (standing store.Record, created bool, err error) {
	w, err := newWrite(key, r, t.s.config.MaxBody, false)
	if err != nil {
		return store.Record{}, false, err
	}
	a, err := t.inside(ctx, "create", func(ctx context.Context, d steps, q Querier) (answer, bool, error) {
		return create(ctx, d, q, w, r)
	})
	return a.record, a.ok, err
}

// Replace implements [store.Store].
func (t *transaction) Replace(ctx context.Context, key string, version uint64, r store.Record) (standing store.Record, replaced bool, err error) {
	w, err := newWrite(key, r, t.s.config.MaxBody, true)
	if err != nil {
		return store.Record{}, false, err
	}
	a, err := t.inside(ctx, "replace", func(ctx context.Context, d steps, q Querier) (answer, bool, error) {
		return replace(ctx, d, q, version, w, r)
	})
	return a.record, a.ok, err
}

// Delete implements [store.Store].
func (t *transaction) Delete(ctx context.Context, key string, version uint64) (deleted bool, err error) {
	if err := store.CheckKey(key); err != nil {
		return false, err
	}
	a, err := t.inside(ctx, "delete", func(ctx context.Context, d steps, q Querier) (answer, bool, error) {
		return remove(ctx, d, q, []byte(key), version)
	})
	return a.ok, err
}
