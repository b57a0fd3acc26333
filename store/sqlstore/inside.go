package sqlstore

import (
	"context"
	"strconv"
	"time"
)

// lastLeg is how long PostgreSQL lets a transaction be idle that has written its
// record. A commit follows at once; an owner that stands still just here holds
// the lock of the record, and its successor waits for that.
const lastLeg = 5 * time.Second

// postgresInside writes records of a transaction.
type postgresInside struct{ *postgres }

func (p *postgres) inside() steps { return postgresInside{p} }

func (p postgresInside) replace(ctx context.Context, q Querier, version int64, w write) (next int64, err error) {
	var told, limit any
	_, err = one(ctx, q, []any{&next, &told, &limit}, p.replaceIt+hurries("$8"), w.key, version, w.ttl, w.head, w.body, p.mark(w.key), p.channel, idle(ctx))
	return next, err
}

func (p postgresInside) remove(ctx context.Context, q Querier, key []byte, version int64) (bool, error) {
	var told, limit any
	return one(ctx, q, []any{&told, &limit}, p.removeIt+hurries("$5"), key, version, p.mark(key), p.channel, idle(ctx))
}

// hurries sets how long the transaction may be idle from now on.
func hurries(limit string) string {
	return `, set_config('idle_in_transaction_session_timeout', ` + limit + `::text, true)`
}

func idle(ctx context.Context) string {
	d := lastLeg
	if l, limited := left(ctx); limited {
		d = min(d, l)
	}
	return strconv.FormatInt(d.Milliseconds(), 10)
}

// mysqlInside reads what stands with a lock where a transaction lost: its view
// may be one of before the record that is in its way.
type mysqlInside struct{ *mysqlSteps }

func (m *mysqlSteps) inside() steps { return mysqlInside{m} }

func (m mysqlInside) look(ctx context.Context, q Querier, key []byte) (row, bool, error) {
	return lookAt(ctx, q, m.lookIt+" LOCK IN SHARE MODE", key)
}

func (s *sqliteSteps) inside() steps {
	in := *s
	in.line = nil
	return &in
}
