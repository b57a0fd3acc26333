package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/concordhttp/concord/store"
)

// Rows are counted in microseconds since 1970, by the database's clock.
//
// A row whose expires is not in the future is no record: it has expired, or was
// deleted, which sets expires to 0, so that a clock that is set back does not
// bring it to life again. It is kept for its version. The column due says when
// that is of no use any more, counted in spans of store.Grace: so coarse because
// it is indexed, and a row that is written again within its span needs no new
// entry in the index.

// row is a row as it was read, and the time by which it was.
type row struct {
	version, written, expires, now int64
	head, body                     []byte
	dropped                        bool // there was a body; some drivers make nil of one that is empty
}

// rowColumns are those of a row in the order of scan; {now} is the clock.
const rowColumns = "version, written, expires, {now}, head, body, body IS NULL"

func (r *row) fields() []any {
	return []any{&r.version, &r.written, &r.expires, &r.now, &r.head, &r.body, &r.dropped}
}

// live reports whether there is a record.
func (r *row) live() bool { return r.expires > r.now }

// errCorrupt is the error of a row that no Store has written. It must not pass
// for an absent record.
var errCorrupt = errors.New("sqlstore: a row that makes no sense")

// record returns the record of a live row. Others may have the same, so there is no
// room behind its slices.
func (r *row) record() (store.Record, error) {
	if r.version <= 0 || r.written < 0 || len(r.head) > store.MaxHead {
		return store.Record{}, fmt.Errorf("%w: version %d, written %d, a head of %d bytes", errCorrupt, r.version, r.written, len(r.head))
	}
	return store.Record{
		Head:    slices.Clip(r.head),
		Body:    slices.Clip(r.body),
		Dropped: r.dropped,
		TTL:     duration(r.expires - r.now),
		Age:     duration(max(0, r.now-r.written)), // a clock that was set back makes nothing younger than new
		Version: uint64(r.version),
	}, nil
}

// duration returns that of so many microseconds, and the longest rather than
// overflow.
func duration(micros int64) time.Duration {
	if micros > math.MaxInt64/int64(time.Microsecond) {
		return math.MaxInt64
	}
	return time.Duration(micros) * time.Microsecond
}

// micros returns d in microseconds, rounded up: no time to live becomes none.
func micros(d time.Duration) int64 {
	m := int64(d / time.Microsecond)
	if d%time.Microsecond > 0 {
		m++
	}
	return m
}

// Querier is what a pool of connections and a transaction have in common:
// *[sql.DB], *[sql.Conn] and *[sql.Tx] are Queriers.
type Querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// one runs a statement that returns one row or none, and reports which. It reads
// on to the end: a statement that fails when it commits says so after its row.
func one(ctx context.Context, q Querier, into []any, statement string, args ...any) (found bool, err error) {
	rows, err := q.QueryContext(ctx, statement, args...)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return false, err
		}
		found = true
	}
	return found && rows.Err() == nil, rows.Err()
}
