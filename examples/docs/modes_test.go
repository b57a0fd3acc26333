package docs

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/sqlstore"
)

// The code of docs/modes.md. modes_run_test.go runs it.

// transactional has the charge and the outcome of its request commit together.
func transactional(db *sql.DB, records *sqlstore.Store) (http.Handler, error) {
	stack, err := concord.New(concord.Config{
		Store:     records, // in the same database as the charges
		Principal: customer,
		Idempotency: idempotency.Config{
			Require:       concord.Routes("POST /payments"),
			Transactional: true,
		},
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("POST /payments", stack.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		conn, err := sqlstore.Conn(r.Context(), db) // the transaction of this request
		if err != nil {
			return err
		}
		if _, err := conn.ExecContext(r.Context(), "INSERT INTO charges (cents) VALUES (1250)"); err != nil {
			return err // rolled back, and answered as the conflict that it is
		}
		w.WriteHeader(http.StatusCreated)
		_, err = fmt.Fprintln(w, "charged")
		return err
	}))
	return stack.Handler(mux), nil
}

// rerunning runs a transfer again whose server died. The bank is given the same
// key both times, and by that does it once.
func rerunning(records store.Store, bank func(ctx context.Context, key string) error) (http.Handler, error) {
	stack, err := concord.New(concord.Config{
		Store:     records,
		Principal: customer,
		Idempotency: idempotency.Config{
			Require: concord.Routes("POST /transfers"),
			Unknown: idempotency.Rerun,
		},
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("POST /transfers", stack.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		who, err := customer(r)
		if err != nil {
			return err
		}
		// The customer's key, however it was spelt, as one that is no other customer's.
		key, err := stack.Idempotency().Reference(who, r.Header.Get("Idempotency-Key"))
		if err != nil {
			return err
		}
		if err := bank(r.Context(), key); err != nil {
			return err
		}
		_, err = fmt.Fprintln(w, "transferred")
		return err
	}))
	return stack.Handler(mux), nil
}

// refusing never runs an order again of which nobody knows how it ended.
func refusing(records store.Store, mail func(context.Context) error) (stack *concord.Stack, handler http.Handler, err error) {
	stack, err = concord.New(concord.Config{
		Store:       records,
		Principal:   customer,
		Idempotency: idempotency.Config{Require: concord.Routes("POST /orders")}, // Refuse is the zero value
	})
	if err != nil {
		return nil, nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("POST /orders", stack.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		if err := mail(r.Context()); err != nil {
			return err
		}
		_, err := fmt.Fprintln(w, "ordered")
		return err
	}))
	handler = stack.Handler(mux)
	return stack, handler, nil
}

// settle is what an operator does who has found out how an order ended: done is
// what its customer is answered from now on; nil lets the request run.
func settle(ctx context.Context, stack *concord.Stack, who, key string, done *idempotency.Outcome) error {
	layer := stack.Idempotency()
	ref, err := layer.Reference(who, key)
	if err != nil {
		return err
	}
	return layer.Resolve(ctx, ref, done)
}
