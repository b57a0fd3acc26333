package sqlstore_test

import (
	"context"
	"database/sql"
	"log"
	"net/http"
	"time"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store/sqlstore"
)

// Without output: an example of this module has no driver.
func Example() {
	ctx := context.Background()
	db, err := sql.Open("pgx", "postgres://127.0.0.1/shop")
	if err != nil {
		log.Fatal(err)
	}
	records, err := sql.Open("pgx", "postgres://127.0.0.1/shop")
	if err != nil {
		log.Fatal(err)
	}
	records.SetMaxOpenConns(4) // transactions of handlers, which hold all of db's, do not hold these
	store, err := sqlstore.New(db, sqlstore.Config{Dialect: sqlstore.PostgreSQL, Records: records})
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Migrate(ctx); err != nil {
		log.Fatal(err)
	}
	go func() {
		for range time.Tick(5 * time.Minute) {
			if _, err := store.Sweep(ctx); err != nil {
				log.Print(err)
			}
		}
	}()
}

// A handler whose writes commit together with its answer.
func ExampleTx() {
	charge := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tx, err := sqlstore.Tx(r.Context())
		if err == nil {
			_, err = tx.ExecContext(r.Context(), "INSERT INTO charges (amount) VALUES (5)")
		}
		if err != nil {
			problem.Responder(nil).HandlerFunc(func(http.ResponseWriter, *http.Request) error { return err }).ServeHTTP(w, r)
			return
		}
		w.WriteHeader(http.StatusCreated)
	})
	var store *sqlstore.Store // see the example of the package
	layer, err := idempotency.New(idempotency.Config{
		Store: store, Transactional: true,
		Principal: func(r *http.Request) (string, error) { return r.Header.Get("X-User"), nil },
	})
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("POST /charges", layer.Handler(charge))
}
