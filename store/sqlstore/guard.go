package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"time"
)

// savepoint is set where a transaction begins: a transaction that has lost it is
// not the one that began.
const savepoint = "concord"

// longest is the longest that PostgreSQL takes for a timeout, 24 days.
const longest = math.MaxInt32 * time.Millisecond

// left is how long a context has left, false if for ever. It is never less than
// a millisecond, since 0 means for ever to databases.
func left(ctx context.Context) (time.Duration, bool) {
	deadline, ok := ctx.Deadline()
	return min(max(time.Until(deadline), time.Millisecond), longest), ok
}

// postgresGuard makes the least of what is configured and what is left the limit
// of whatever a server of this version can limit, for this transaction alone.
const postgresGuard = `
SELECT set_config(name, least(nullif(setting::bigint, 0), $1::bigint)::text, true) FROM pg_settings
WHERE name IN ('idle_in_transaction_session_timeout', 'statement_timeout', 'transaction_timeout')`

func (p *postgres) begin(ctx context.Context, db *sql.DB, options *sql.TxOptions) (*sql.Tx, leave, error) {
	tx, err := db.BeginTx(ctx, options)
	if err != nil {
		return nil, nil, err
	}
	if d, limited := left(ctx); limited {
		if _, err := tx.ExecContext(ctx, postgresGuard, d.Milliseconds()); err != nil {
			return nil, nil, errors.Join(fmt.Errorf("limiting the transaction: %w", err), tx.Rollback())
		}
	}
	return tx, func(bool) {}, nil
}

// alive has nothing to ask: after an error PostgreSQL refuses all statements.
func (*postgres) alive(context.Context, Querier) error { return nil }

// begin uses settings of the session, which it has to put back before anybody
// else gets the connection: SET has no form for one transaction.
func (m *mysqlSteps) begin(ctx context.Context, db *sql.DB, options *sql.TxOptions) (*sql.Tx, leave, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, nil, err
	}
	tx, err := m.beginOn(ctx, conn, options)
	if err != nil {
		discard(conn)
		return nil, nil, err
	}
	return tx, func(clean bool) { m.leave(conn, clean) }, nil
}

func (*mysqlSteps) beginOn(ctx context.Context, conn *sql.Conn, options *sql.TxOptions) (*sql.Tx, error) {
	seconds := int64(1) << 30
	if d, limited := left(ctx); limited {
		seconds = int64((d + time.Second - 1) / time.Second)
	}
	if _, err := conn.ExecContext(ctx, fmt.Sprintf(`SET
		@concord_autocommit = @@autocommit, @concord_wait = @@wait_timeout, @concord_lock = @@innodb_lock_wait_timeout,
		autocommit = 0, wait_timeout = least(@@wait_timeout, %d), innodb_lock_wait_timeout = least(@@innodb_lock_wait_timeout, %[1]d)`,
		seconds)); err != nil {
		return nil, fmt.Errorf("limiting the transaction: %w", err)
	}
	return beginWithSavepoint(ctx, conn, options)
}

// leave puts the settings back if the transaction is known to be over. To turn
// autocommit on would commit one that is not.
func (*mysqlSteps) leave(conn *sql.Conn, clean bool) {
	ctx, cancel := context.WithTimeout(context.Background(), DefaultCallTimeout)
	defer cancel()
	if clean {
		_, err := conn.ExecContext(ctx, `SET autocommit = @concord_autocommit, wait_timeout = @concord_wait, innodb_lock_wait_timeout = @concord_lock`)
		clean = err == nil
	}
	if !clean {
		discard(conn)
		return
	}
	_ = conn.Close() // gives it back to its pool
}

// discard closes the connection to the database.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = conn.Close()
}

func (*mysqlSteps) alive(ctx context.Context, tx Querier) error { return release(ctx, tx) }

func (*sqliteSteps) begin(ctx context.Context, db *sql.DB, options *sql.TxOptions) (*sql.Tx, leave, error) {
	tx, err := beginWithSavepoint(ctx, db, options)
	return tx, func(bool) {}, err
}

func (*sqliteSteps) alive(ctx context.Context, tx Querier) error { return release(ctx, tx) }

func beginWithSavepoint(ctx context.Context, on interface {
	BeginTx(context.Context, *sql.TxOptions) (*sql.Tx, error)
}, options *sql.TxOptions) (*sql.Tx, error) {
	tx, err := on.BeginTx(ctx, options)
	if err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, "SAVEPOINT "+savepoint); err != nil {
		return nil, errors.Join(fmt.Errorf("savepoint: %w", err), tx.Rollback())
	}
	return tx, nil
}

// release fails if the transaction is not the one that began.
func release(ctx context.Context, tx Querier) error {
	if _, err := tx.ExecContext(ctx, "RELEASE SAVEPOINT "+savepoint); err != nil {
		return fmt.Errorf("the database has ended the transaction by itself: %w", err)
	}
	return nil
}
