package sqlstore

import (
	"context"
	"database/sql"
	"strings"
)

// mysqlNow is the clock at the moment when it is asked for. SYSDATE alone tells
// the time of a moment rather than of the statement's beginning, but by the time
// zone of the session; so it only tells how long the statement has taken, and
// what is more or less by half an hour is the zone's doing.
const mysqlNow = "(timestampdiff(MICROSECOND, '1970-01-01', utc_timestamp(6)) + " +
	"mod(timestampdiff(MICROSECOND, now(6), sysdate(6)) + 86400000000, 1800000000))"

// mysqlBegan is the clock when the statement began. An index can be searched by
// it.
const mysqlBegan = "timestampdiff(MICROSECOND, '1970-01-01', utc_timestamp(6))"

// mysqlSteps has no RETURNING: LAST_INSERT_ID brings the version along with the
// reply, as 0 where nothing was written, whatever the driver counts as affected.
type mysqlSteps struct {
	fill *strings.Replacer

	lookIt, peekIt, insertIt, reviveIt, replaceIt, removeIt, sweepIt string
}

func newMySQL(table string) *mysqlSteps {
	m := &mysqlSteps{fill: words(table, "`", mysqlNow)}
	m.lookIt = m.fill.Replace("SELECT {row} FROM {table} WHERE `key` = ?")
	m.peekIt = m.fill.Replace("SELECT version, written, expires, {now} FROM {table} WHERE `key` = ?")
	m.insertIt = m.fill.Replace(`
INSERT INTO {table} (` + "`key`" + `, version, written, expires, due, head, body)
VALUES (?, last_insert_id({now}), {now}, {now} + ?, ({now} + ?) DIV {grace} + 2, ?, ?)
ON DUPLICATE KEY UPDATE version = version + last_insert_id(0)`)
	set := `
UPDATE {table} SET
	version = last_insert_id(greatest(version + 1, {now})), written = {now}, expires = {now} + ?,
	due = ({now} + ?) DIV {grace} + 2, head = ?, body = ?
WHERE ` + "`key`" + ` = ? AND version = ? AND expires `
	m.reviveIt = m.fill.Replace(set + "<= {now}")
	m.replaceIt = m.fill.Replace(set + "> {now}")
	m.removeIt = m.fill.Replace(`
UPDATE {table} SET expires = 0, due = {now} DIV {grace} + 2, head = '', body = ''
WHERE ` + "`key`" + ` = ? AND version = ? AND expires > {now}`)
	m.sweepIt = m.fill.Replace(`DELETE FROM {table} WHERE due <= ` + mysqlBegan + ` DIV {grace} ORDER BY due LIMIT ?`)
	return m
}

func (m *mysqlSteps) look(ctx context.Context, q Querier, key []byte) (row, bool, error) {
	return lookAt(ctx, q, m.lookIt, key)
}

func (m *mysqlSteps) peek(ctx context.Context, q Querier, key []byte) (r row, found bool, err error) {
	found, err = one(ctx, q, r.fields()[:4], m.peekIt, key)
	return r, found, err
}

// create looks first: what stands is read without a lock. What does not is
// written by compare-and-set on the row that was seen, or on there being none.
func (m *mysqlSteps) create(ctx context.Context, q Querier, w write) (version int64, standing row, found bool, err error) {
	standing, found, err = m.look(ctx, q, w.key)
	switch {
	case err != nil || found && standing.live():
		return 0, standing, found, err
	case found:
		version, err = insertID(q.ExecContext(ctx, m.reviveIt, w.ttl, w.ttl, w.head, w.body, w.key, standing.version))
	default:
		version, err = insertID(q.ExecContext(ctx, m.insertIt, w.key, w.ttl, w.ttl, w.head, w.body))
	}
	return version, row{}, false, err
}

func (m *mysqlSteps) replace(ctx context.Context, q Querier, version int64, w write) (int64, error) {
	return insertID(q.ExecContext(ctx, m.replaceIt, w.ttl, w.ttl, w.head, w.body, w.key, version))
}

func (m *mysqlSteps) remove(ctx context.Context, q Querier, key []byte, version int64) (bool, error) {
	n, err := affected(q.ExecContext(ctx, m.removeIt, key, version))
	return n > 0, err
}

func (m *mysqlSteps) sweep(ctx context.Context, q Querier, limit int) (int64, error) {
	return affected(q.ExecContext(ctx, m.sweepIt, limit))
}

// migrate is one statement, which does nothing if another server was faster.
func (m *mysqlSteps) migrate(ctx context.Context, db *sql.DB) error {
	if _, _, err := m.look(ctx, db, nil); err == nil {
		return nil
	}
	_, err := db.ExecContext(ctx, m.fill.Replace(`CREATE TABLE IF NOT EXISTS {table} (
	`+"`key`"+` VARBINARY(512) NOT NULL PRIMARY KEY,
	version BIGINT NOT NULL,
	written BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	due BIGINT NOT NULL,
	head VARBINARY(4096) NOT NULL,
	body LONGBLOB,
	KEY {index} (due)
) ENGINE = InnoDB`))
	return err
}

func insertID(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

func affected(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}
