package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Commit implements [store.Tx]. An error leaves it open what happened, unless it
// says that nothing did: only a compare-and-set on the record's version tells.
// It returns when the context of Begin ends, or after CallTimeout if that has no
// deadline, whether or not the database has answered by then.
func (t *transaction) Commit() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.ended:
		return sql.ErrTxDone
	case t.failed != nil:
		return errors.Join(t.failed, t.end((*sql.Tx).Rollback))
	case t.tx == nil:
		t.ended = true
		return nil
	}
	if err := t.prove(t.ctx); err != nil {
		return errors.Join(failure(t.ctx, "commit", err), t.end((*sql.Tx).Rollback))
	}
	if err := t.end((*sql.Tx).Commit); err != nil {
		return failure(t.ctx, "commit", err)
	}
	return nil
}

// Rollback implements [store.Tx]. If it fails the database does the same, once
// it finds out that the connection is gone. That of a transaction which could not
// begin fails with the reason. Its time is bounded as that of Commit is.
func (t *transaction) Rollback() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return sql.ErrTxDone
	}
	if t.tx == nil {
		t.ended = true
		return t.failed
	}
	err := t.end((*sql.Tx).Rollback)
	switch {
	case !errors.Is(err, sql.ErrTxDone):
		return err
	case t.ctx.Err() != nil:
		return nil // its context has ended, and so has it
	}
	return failure(t.ctx, "rollback", err)
}

// end ends the transaction and gives its connection back. That goes on by itself
// when nobody waits for it any more. Under mu.
func (t *transaction) end(how func(*sql.Tx) error) error {
	t.ended = true
	if t.tx == nil {
		return nil
	}
	tx, leave := t.tx, t.leave
	ctx, cancel := t.patience()
	defer cancel()
	_, err := bounded(ctx, func() (struct{}, error) {
		err := how(tx)
		leave(err == nil)
		return struct{}{}, err
	})
	return err
}

// patience is how long an end is waited for: as long as the transaction may last,
// or a moment where that is over.
func (t *transaction) patience() (context.Context, context.CancelFunc) {
	own := context.WithoutCancel(t.ctx)
	deadline, ok := t.ctx.Deadline()
	if !ok || t.ctx.Err() != nil {
		deadline = time.Now().Add(t.s.config.CallTimeout)
	}
	return context.WithDeadline(own, deadline)
}
