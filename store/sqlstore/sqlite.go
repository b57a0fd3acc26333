package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// sqliteNow is SQLite's clock. It stands still during a statement, which has its
// lock before it asks, and counts milliseconds.
const sqliteNow = "CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000"

// sqliteSteps reads before it writes: a statement that writes takes the one lock
// that there is, whether or not it finds anything to do, and a replay must not
// wait for the transaction of another request.
//
// Those of one process that write wait in line for each other. SQLite has none:
// who finds its lock taken sleeps, and tries again.
type sqliteSteps struct {
	fill *strings.Replacer
	line chan struct{} // has room for the one whose turn it is; nil: inside a transaction, which has the lock or must not wait for it

	lookIt, peekIt, createIt, replaceIt, removeIt, sweepIt string
}

func newSQLite(table string) *sqliteSteps {
	s := &sqliteSteps{fill: words(table, `"`, sqliteNow), line: make(chan struct{}, 1)}
	s.lookIt = s.fill.Replace(`SELECT {row} FROM {table} WHERE key = ?1`)
	s.peekIt = s.fill.Replace(`SELECT version, written, expires, {now} FROM {table} WHERE key = ?1`)
	s.createIt = s.fill.Replace(`
INSERT INTO {table} (key, version, written, expires, due, head, body)
VALUES (?1, {now}, {now}, {now} + ?2, ({now} + ?2) / {grace} + 2, ?3, ?4)
ON CONFLICT (key) DO UPDATE SET
	version = max(version + 1, {now}), written = {now}, expires = {now} + ?2,
	due = excluded.due, head = excluded.head, body = excluded.body
WHERE expires <= {now}
RETURNING version`)
	s.replaceIt = s.fill.Replace(`
UPDATE {table} SET
	version = max(version + 1, {now}), written = {now}, expires = {now} + ?3,
	due = ({now} + ?3) / {grace} + 2, head = ?4, body = ?5
WHERE key = ?1 AND version = ?2 AND expires > {now}
RETURNING version`)
	s.removeIt = s.fill.Replace(`
UPDATE {table} SET expires = 0, due = {now} / {grace} + 2, head = x'', body = x''
WHERE key = ?1 AND version = ?2 AND expires > {now}`)
	s.sweepIt = s.fill.Replace(`
DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE due <= {now} / {grace} ORDER BY due LIMIT ?1)`)
	return s
}

func (s *sqliteSteps) look(ctx context.Context, q Querier, key []byte) (row, bool, error) {
	return lookAt(ctx, q, s.lookIt, key)
}

func (s *sqliteSteps) peek(ctx context.Context, q Querier, key []byte) (r row, found bool, err error) {
	found, err = one(ctx, q, r.fields()[:4], s.peekIt, key)
	return r, found, err
}

func (s *sqliteSteps) create(ctx context.Context, q Querier, w write) (version int64, standing row, found bool, err error) {
	standing, found, err = s.look(ctx, q, w.key)
	if err != nil || found && standing.live() {
		return 0, standing, found, err
	}
	err = s.turn(ctx, func() error {
		_, err := one(ctx, q, []any{&version}, s.createIt, w.key, w.ttl, w.head, w.body)
		return err
	})
	return version, row{}, false, err
}

func (s *sqliteSteps) replace(ctx context.Context, q Querier, version int64, w write) (next int64, err error) {
	err = s.turn(ctx, func() error {
		_, err := one(ctx, q, []any{&next}, s.replaceIt, w.key, version, w.ttl, w.head, w.body)
		return err
	})
	return next, err
}

func (s *sqliteSteps) remove(ctx context.Context, q Querier, key []byte, version int64) (bool, error) {
	n, err := s.exec(ctx, q, s.removeIt, key, version)
	return n > 0, err
}

func (s *sqliteSteps) sweep(ctx context.Context, q Querier, limit int) (int64, error) {
	return s.exec(ctx, q, s.sweepIt, limit)
}

func (s *sqliteSteps) exec(ctx context.Context, q Querier, statement string, args ...any) (n int64, err error) {
	err = s.turn(ctx, func() error {
		n, err = affected(q.ExecContext(ctx, statement, args...))
		return err
	})
	return n, err
}

// turn writes when it is its turn.
func (s *sqliteSteps) turn(ctx context.Context, write func() error) error {
	if s.line == nil {
		return write()
	}
	select {
	case s.line <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.line }()
	return write()
}

// migrate also refuses what cannot work: reads that wait for writes.
func (s *sqliteSteps) migrate(ctx context.Context, db *sql.DB) error {
	for _, statement := range []string{
		`CREATE TABLE IF NOT EXISTS {table} (
	key BLOB NOT NULL PRIMARY KEY,
	version INTEGER NOT NULL,
	written INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	due INTEGER NOT NULL,
	head BLOB NOT NULL,
	body BLOB
)`,
		`CREATE INDEX IF NOT EXISTS {index} ON {table} (due)`,
	} {
		if _, err := db.ExecContext(ctx, s.fill.Replace(statement)); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
	}
	var mode string
	if _, err := one(ctx, db, []any{&mode}, `PRAGMA journal_mode`); err != nil {
		return fmt.Errorf("journal mode: %w", err)
	}
	if mode != "wal" {
		return fmt.Errorf("journal mode %q: %w", mode, errNoWAL)
	}
	return nil
}

var errNoWAL = errors.New("sqlstore: SQLite has to be opened with journal_mode(WAL)")
