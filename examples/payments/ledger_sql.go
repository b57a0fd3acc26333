package main

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/concordhttp/concord/examples/storeurl"
	"github.com/concordhttp/concord/store/sqlstore"
)

// table is a ledger in the database that has the records, too.
type table struct {
	db     *sql.DB
	insert string
}

const createTable = `CREATE TABLE IF NOT EXISTS payments (
	id        VARCHAR(32) NOT NULL PRIMARY KEY,
	reference VARCHAR(64) NOT NULL,
	amount    BIGINT      NOT NULL,
	currency  CHAR(3)     NOT NULL
)`

func openTable(ctx context.Context, opened *storeurl.Opened) (*table, error) {
	if err := migrate(ctx, opened.DB); err != nil {
		return nil, fmt.Errorf("table payments: %w", err)
	}
	values := "(?, ?, ?, ?)"
	if opened.Dialect == sqlstore.PostgreSQL {
		values = "($1, $2, $3, $4)"
	}
	return &table{opened.DB, "INSERT INTO payments (id, reference, amount, currency) VALUES " + values}, nil
}

// migrate makes the table. When several servers start at once PostgreSQL lets
// one of them create it and fails the others, for whom it is there the next time.
func migrate(ctx context.Context, db *sql.DB) (err error) {
	for range 3 {
		if _, err = db.ExecContext(ctx, createTable); err == nil {
			break
		}
	}
	return err
}

// charge writes in the transaction of the request, if it has one, so that the
// charge and the outcome commit together.
func (t *table) charge(ctx context.Context, o Order) (Payment, error) {
	conn, err := sqlstore.Conn(ctx, t.db)
	if err != nil {
		return Payment{}, err
	}
	made := newPayment(o)
	_, err = conn.ExecContext(ctx, t.insert, made.ID, o.Reference, o.Amount, o.Currency)
	return made, err
}

func (t *table) list(ctx context.Context) ([]Payment, error) {
	rows, err := t.db.QueryContext(ctx, "SELECT id, reference, amount, currency FROM payments ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // what went wrong is in rows.Err
	all := []Payment{}
	for rows.Next() {
		var p Payment
		if err := rows.Scan(&p.ID, &p.Reference, &p.Amount, &p.Currency); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, rows.Err()
}
