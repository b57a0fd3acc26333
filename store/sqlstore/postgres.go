package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"hash/fnv"
	"strings"
)

// postgresNow is the clock at the moment when it is asked for. Neither the
// transaction nor the statement stops it: what is compared with it under the lock
// of a row must not be older than the lock.
//
// date_part is a double, which holds microseconds until the year 2255, and takes
// less time than the decimal of EXTRACT.
const postgresNow = "(date_part('epoch', clock_timestamp()) * 1000000)::bigint"

// postgresBegan is the clock when the statement began. An index can be searched
// by it.
const postgresBegan = "(date_part('epoch', statement_timestamp()) * 1000000)::bigint"

// postgres has a record changed by statements that lock its row first, and then
// look at the clock and compare.
type postgres struct {
	table   string // as configured
	channel string
	fill    *strings.Replacer
	hints   *hints

	lookIt, peekIt, createIt, replaceIt, removeIt, sweepIt string
}

func newPostgres(table string) *postgres {
	p := &postgres{table: table, channel: channelOf(table), fill: words(table, `"`, postgresNow), hints: new(hints)}
	p.lookIt = p.fill.Replace(`SELECT {row} FROM {table} WHERE key = $1`)
	p.peekIt = p.fill.Replace(`SELECT version, written, expires, {now} FROM {table} WHERE key = $1`)

	// Whoever finds a record standing has read it, and locked nothing. One
	// statement has one view of what is committed, so of two creates at the same
	// moment one finds nothing standing and a row in its way; it asks again.
	p.createIt = p.fill.Replace(`
WITH standing AS MATERIALIZED (
	SELECT {row} FROM {table} WHERE key = $1 AND expires > {now}
), made AS (
	INSERT INTO {table} AS r (key, version, written, expires, due, head, body)
	SELECT $1, {now}, {now}, {now} + $2::bigint, ({now} + $2::bigint) / {grace} + 2, $3::bytea, $4::bytea
	WHERE NOT EXISTS (SELECT FROM standing)
	ON CONFLICT (key) DO UPDATE SET
		version = greatest(r.version + 1, {now}), written = {now}, expires = {now} + $2::bigint,
		due = excluded.due, head = excluded.head, body = excluded.body
	WHERE r.expires <= {now}
	RETURNING r.version
)
SELECT true, version, 0::bigint, 0::bigint, 0::bigint, NULL::bytea, NULL::bytea, false FROM made
UNION ALL SELECT false, standing.* FROM standing`)

	// The row is locked by the query inside, before {now} is asked for: an UPDATE
	// by itself compares first, waits for the lock then, and if nothing was
	// changed meanwhile does not compare again.
	p.replaceIt = p.fill.Replace(`
UPDATE {table} AS r SET
	version = greatest(r.version + 1, {now}), written = {now}, expires = {now} + $3::bigint,
	due = ({now} + $3::bigint) / {grace} + 2, head = $4, body = $5
WHERE key = (SELECT key FROM {table} WHERE key = $1 AND version = $2 FOR UPDATE) AND version = $2 AND expires > {now}
RETURNING version, ` + notifies("$6", "$7"))
	p.removeIt = p.fill.Replace(`
UPDATE {table} SET expires = 0, due = {now} / {grace} + 2, head = '', body = ''
WHERE key = (SELECT key FROM {table} WHERE key = $1 AND version = $2 FOR UPDATE) AND version = $2 AND expires > {now}
RETURNING ` + notifies("$3", "$4"))
	p.sweepIt = p.fill.Replace(`
WITH over AS MATERIALIZED (
	SELECT key FROM {table} WHERE due <= ` + postgresBegan + ` / {grace} ORDER BY due LIMIT $1 FOR UPDATE SKIP LOCKED
)
DELETE FROM {table} AS r USING over WHERE r.key = over.key AND r.due <= ` + postgresBegan + ` / {grace}`)
	return p
}

// notifies tells those who watch the mark of a key that its record is changed,
// once that commits. See [ear].
func notifies(mark, channel string) string {
	return `CASE WHEN pg_try_advisory_xact_lock(` + mark + `::bigint) THEN '' ELSE pg_notify(` + channel + `::text, ` + mark + `::bigint::text)::text END`
}

// channelOf is the name of the channel on which changes of a table are told.
func channelOf(table string) string { return strings.ReplaceAll(table, ".", "_") }

// mark is the number of the advisory lock that stands for a key. Keys that share
// one, with each other or with a lock of the application, are told of changes
// that are not theirs.
func (p *postgres) mark(key []byte) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("concord " + p.table + " "))
	_, _ = h.Write(key)
	return int64(h.Sum64())
}

func (p *postgres) look(ctx context.Context, q Querier, key []byte) (row, bool, error) {
	return lookAt(ctx, q, p.lookIt, key)
}

func (p *postgres) peek(ctx context.Context, q Querier, key []byte) (r row, found bool, err error) {
	found, err = one(ctx, q, r.fields()[:4], p.peekIt, key)
	return r, found, err
}

func (p *postgres) create(ctx context.Context, q Querier, w write) (version int64, standing row, found bool, err error) {
	number := p.mark(w.key)
	if p.hints.likely(number) {
		if standing, found, err = p.look(ctx, q, w.key); err != nil || found && standing.live() {
			return 0, standing, found, err
		}
		standing = row{}
	}
	var made bool
	into := append([]any{&made}, standing.fields()...)
	found, err = one(ctx, q, into, p.createIt, w.key, w.ttl, w.head, w.body)
	p.hints.standing(number, err == nil && found && !made && standing.expires-standing.now > hinted)
	if made && err == nil {
		return standing.version, row{}, false, nil
	}
	return 0, standing, found, err
}

func (p *postgres) replace(ctx context.Context, q Querier, version int64, w write) (next int64, err error) {
	var told any
	_, err = one(ctx, q, []any{&next, &told}, p.replaceIt, w.key, version, w.ttl, w.head, w.body, p.mark(w.key), p.channel)
	return next, err
}

func (p *postgres) remove(ctx context.Context, q Querier, key []byte, version int64) (bool, error) {
	var told any
	p.hints.standing(p.mark(key), false)
	return one(ctx, q, []any{&told}, p.removeIt, key, version, p.mark(key), p.channel)
}

func (p *postgres) sweep(ctx context.Context, q Querier, limit int) (int64, error) {
	return affected(q.ExecContext(ctx, p.sweepIt, limit))
}

// migrate holds a lock meanwhile, since CREATE TABLE IF NOT EXISTS fails when
// two servers start at once.
func (p *postgres) migrate(ctx context.Context, db *sql.DB) error {
	if _, _, err := p.look(ctx, db, nil); err == nil {
		return nil
	}
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing once it is committed
	for _, statement := range []string{
		fmt.Sprintf(`SELECT pg_advisory_xact_lock(%d)`, p.mark(nil)),
		`CREATE TABLE IF NOT EXISTS {table} (
	key bytea PRIMARY KEY,
	version bigint NOT NULL,
	written bigint NOT NULL,
	expires bigint NOT NULL,
	due bigint NOT NULL,
	head bytea NOT NULL,
	body bytea
) WITH (fillfactor = 80)`,
		`CREATE INDEX IF NOT EXISTS {index} ON {table} (due)`,
	} {
		if _, err := tx.ExecContext(ctx, p.fill.Replace(statement)); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
	}
	return tx.Commit()
}
