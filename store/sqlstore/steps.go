package sqlstore

import (
	"context"
	"database/sql"
	"math"
	"strings"

	"github.com/concordhttp/concord/store"
)

// steps is what each kind of database does in its own words. None of them
// tries anything twice.
type steps interface {
	// look reads the row at key, whether or not it is live, and locks nothing.
	look(ctx context.Context, q Querier, key []byte) (row, bool, error)
	// peek is look without head and body.
	peek(ctx context.Context, q Querier, key []byte) (row, bool, error)
	// create writes a record if none is live, and returns its version; or 0
	// and the record that is in the way; or 0 and no row, if another Create
	// came at the same moment.
	create(ctx context.Context, q Querier, w write) (version int64, standing row, found bool, err error)
	// replace returns the new version, 0 if the condition does not hold.
	replace(ctx context.Context, q Querier, version int64, w write) (int64, error)
	remove(ctx context.Context, q Querier, key []byte, version int64) (bool, error)
	// sweep removes up to limit rows whose version is of no use any more.
	sweep(ctx context.Context, q Querier, limit int) (removed int64, err error)
	// migrate makes the table and its index, which may be there by now.
	migrate(ctx context.Context, db *sql.DB) error

	// inside returns the steps of a transaction.
	inside() steps
	// begin begins a transaction that the database ends by the deadline of ctx,
	// as far as it can.
	begin(ctx context.Context, db *sql.DB, options *sql.TxOptions) (*sql.Tx, leave, error)
	// alive fails if the database has ended the transaction by itself. It is
	// asked once.
	alive(ctx context.Context, tx Querier) error
}

// stepsOf returns the steps of a dialect for a table.
func stepsOf(d Dialect, table string) steps {
	switch d {
	case PostgreSQL:
		return newPostgres(table)
	case MySQL:
		return newMySQL(table)
	case SQLite:
		return newSQLite(table)
	}
	return nil
}

// grace is store.Grace in µs, the span in which the column due counts.
const grace = "600000000"

// words fills in the statements of a dialect: {table}; {index}, the name of its
// index; {now}, the clock; {grace}; {row}, the columns of a row.
func words(table, quote, now string) *strings.Replacer {
	schema, name, qualified := strings.Cut(table, ".")
	quoted := quote + strings.ReplaceAll(table, ".", quote+"."+quote) + quote
	if !qualified {
		name = schema
	}
	return strings.NewReplacer(
		"{table}", quoted,
		"{index}", quote+name+"_due"+quote,
		"{now}", now,
		"{grace}", grace,
		"{row}", strings.ReplaceAll(rowColumns, "{now}", now),
	)
}

// signed returns a version as the column has it; false: no row can have it.
func signed(version uint64) (int64, bool) {
	return int64(version), version != 0 && version <= math.MaxInt64
}

// answer is what a method of store.Store returns beside its error.
type answer struct {
	record store.Record
	ok     bool
}

// The steps of the contract, each on a pool or in a transaction, once. Done is
// false if it has to be taken again: what stood in the way was gone when it was
// looked for.

func get(ctx context.Context, d steps, q Querier, key []byte) (a answer, done bool, err error) {
	in, found, err := d.look(ctx, q, key)
	if err != nil || !found || !in.live() {
		return answer{}, err == nil, err
	}
	r, err := in.record()
	return answer{r, true}, err == nil, err
}

func create(ctx context.Context, d steps, q Querier, w write, r store.Record) (a answer, done bool, err error) {
	version, in, found, err := d.create(ctx, q, w)
	switch {
	case err != nil:
		return answer{}, false, err
	case version != 0:
		return answer{w.standing(version, r), true}, true, nil
	case !found:
		return answer{}, false, nil
	}
	standing, err := in.record()
	return answer{standing, false}, err == nil, err
}

func replace(ctx context.Context, d steps, q Querier, version uint64, w write, r store.Record) (a answer, done bool, err error) {
	v, possible := signed(version)
	if possible {
		next, err := d.replace(ctx, q, v, w)
		if err != nil {
			return answer{}, false, err
		}
		if next != 0 {
			return answer{w.standing(next, r), true}, true, nil
		}
	}
	in, found, err := d.look(ctx, q, w.key)
	switch {
	case err != nil:
		return answer{}, false, err
	case !found || !in.live():
		return answer{}, true, nil
	case possible && in.version == v:
		return answer{}, false, nil // it came after the first look
	}
	standing, err := in.record()
	return answer{standing, false}, err == nil, err
}

func remove(ctx context.Context, d steps, q Querier, key []byte, version uint64) (a answer, done bool, err error) {
	v, possible := signed(version)
	if !possible {
		return answer{}, true, nil
	}
	a.ok, err = d.remove(ctx, q, key, v)
	return a, err == nil, err
}
