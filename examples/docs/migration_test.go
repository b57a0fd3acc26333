package docs

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"errors"
	"io"
	"net/http"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store"
)

// The code of docs/migration.md. migration_run_test.go runs it, on PostgreSQL.

// once is what many servers have written by hand.
func once(db *sql.DB, next http.Handler) http.Handler {
	return problem.Responder(nil).HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		old, err := oldKey(r)
		if err != nil || old == nil {
			next.ServeHTTP(w, r)
			return err
		}
		claimed, err := db.ExecContext(r.Context(),
			"INSERT INTO idempotency_keys (customer, key, request_hash) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
			old.customer, old.key, old.hash)
		if err != nil {
			return err
		}
		if n, err := claimed.RowsAffected(); err != nil || n == 0 {
			found, err := old.answer(r.Context(), db)
			if err == nil && !found.write(w) {
				err = found.refuse(r)
			}
			return err
		}
		answer := &recorded{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(answer, r)
		_, err = db.ExecContext(r.Context(), "UPDATE idempotency_keys SET status = $3, body = $4 WHERE customer = $1 AND key = $2",
			old.customer, old.key, answer.status, answer.body.Bytes())
		return err
	})
}

// refuse says why the old table has no answer. Inside a Stack this is not what
// the request came to: with Free, its key is as free there as it was.
func (a oldAnswer) refuse(r *http.Request) error {
	if attempt, ok := idempotency.FromContext(r.Context()); ok {
		attempt.Free()
	}
	switch {
	case a.other:
		return problem.New(problem.KindKeyReused, "This key came with another request.")
	default:
		return problem.New(problem.KindRequestInFlight, "The first request with this key has not finished.")
	}
}

// answeredBefore answers a request whose key the old table knows as that says,
// and lets all others through. It reads, and writes nothing.
func answeredBefore(db *sql.DB, next http.Handler) http.Handler {
	return problem.Responder(nil).HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		old, err := oldKey(r)
		if err != nil || old == nil {
			next.ServeHTTP(w, r)
			return err
		}
		switch found, err := old.answer(r.Context(), db); {
		case errors.Is(err, sql.ErrNoRows):
			next.ServeHTTP(w, r)
			return nil
		case err != nil: // nobody knows whether it was done: 503 with Retry-After, and the key stays free
			p := problem.New(problem.KindStoreUnavailable, "The keys of earlier requests cannot be read now.")
			p.Err = err
			return p
		case found.write(w):
			return nil
		default:
			return found.refuse(r)
		}
	})
}

// The three releases.

func release1(db *sql.DB, records store.Store, mux http.Handler) (http.Handler, error) {
	stack, err := concord.New(concord.Config{Store: records, Principal: customer})
	if err != nil {
		return nil, err
	}
	return stack.Handler(once(db, mux)), nil
}

func release2(db *sql.DB, records store.Store, mux http.Handler) (http.Handler, error) {
	stack, err := concord.New(concord.Config{Store: records, Principal: customer})
	if err != nil {
		return nil, err
	}
	return stack.Handler(answeredBefore(db, mux)), nil
}

func release3(records store.Store, mux http.Handler) (http.Handler, error) {
	stack, err := concord.New(concord.Config{Store: records, Principal: customer})
	if err != nil {
		return nil, err
	}
	return stack.Handler(mux), nil
}

// keyed is a request as the old table knows it.
type keyed struct {
	customer, key string
	hash          []byte
}

// oldKey returns nil for a request without a key.
func oldKey(r *http.Request) (*keyed, error) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" {
		return nil, nil //nolint:nilnil // there is none, and that is no error
	}
	who, err := customer(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	hash := sha256.Sum256(append([]byte(r.Method+" "+r.URL.Path+"\n"), body...))
	return &keyed{who, key, hash[:]}, nil
}
