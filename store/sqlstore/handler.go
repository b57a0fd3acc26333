package sqlstore

import (
	"context"
	"database/sql"
	"errors"
)

// ErrNoTransaction: the context carries no transaction of a [Store]. The request
// has no key, say, or its layer is not Transactional.
var ErrNoTransaction = errors.New("sqlstore: no transaction")

type transactionKey struct{}

// Context implements [store.Tx]: it carries the transaction to [Tx] and [Conn].
func (t *transaction) Context(ctx context.Context) context.Context {
	return context.WithValue(ctx, transactionKey{}, t)
}

// Tx returns the transaction of the request whose context this is, or one derived
// from it, and begins it if it has not begun. The handler writes in it, and
// neither commits it nor rolls it back: its answer decides. If it does, or sends a
// statement with which MySQL commits by itself (CREATE TABLE, say), nobody can
// tell any more what is done. It lasts no longer
// than the context of the request, whatever that of a statement. The error is
// [ErrNoTransaction], or says why it could not begin.
//
// A handler that gets an error of a statement has to answer with one, or with
// that of problem.FromSQL; what it writes afterwards is not kept.
func Tx(ctx context.Context) (*sql.Tx, error) {
	t, ok := ctx.Value(transactionKey{}).(*transaction)
	if !ok {
		return nil, ErrNoTransaction
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.begun(t.s.db)
}

// Conn returns the transaction that [Tx] does or, for a request that has none, db:
// for code that serves both. With the first, what is written commits with the
// outcome of the request; with the second, statement by statement.
func Conn(ctx context.Context, db *sql.DB) (Querier, error) {
	tx, err := Tx(ctx)
	switch {
	case errors.Is(err, ErrNoTransaction):
		return db, nil
	case err != nil:
		return nil, err // a *sql.Tx that is nil would be a Querier that is not
	}
	return tx, nil
}
