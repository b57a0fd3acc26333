package drivertest

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store/sqlstore"
)

func TestOutcomeCommitsWithTheEffects(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		b := newBank(t, d)
		v := b.serve(t, b.charging)
		assertCharge(t, post(v, "k"), 1)
		assert.Equal(t, 1, b.charges(t))
		again := post(v, "k")
		assertCharge(t, again, 1)
		assert.True(t, replayed(again))
		assertCharge(t, post(v, "another"), 2)
		assert.EqualValues(t, 2, v.runs.Load())
	})
}

func TestErrorsRollBackAndAreRecorded(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		b := newBank(t, d)
		v := b.serve(t, func(w http.ResponseWriter, r *http.Request, tx *sql.Tx, run int) {
			_, err := tx.ExecContext(r.Context(), b.insert(run))
			require.NoError(t, err)
			http.Error(w, "the account is closed", http.StatusUnprocessableEntity)
		})
		assert.Equal(t, http.StatusUnprocessableEntity, post(v, "k").Code)
		again := post(v, "k")
		assert.Equal(t, http.StatusUnprocessableEntity, again.Code)
		assert.True(t, replayed(again))
		assert.Zero(t, b.charges(t))
	})
}

// A handler that commits by itself is told that it must not, by the first request
// that anybody sends it: and nobody is charged twice for that.
func TestAHandlerThatCommitsByItselfIsNotRunAgain(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		b := newBank(t, d)
		v := b.serve(t, func(w http.ResponseWriter, r *http.Request, tx *sql.Tx, run int) {
			_, err := tx.ExecContext(r.Context(), b.insert(run))
			require.NoError(t, err)
			require.NoError(t, tx.Commit())
			charged(w, run)
		})
		assert.Equal(t, http.StatusInternalServerError, post(v, "k").Code)
		again := post(v, "k")
		assert.Equal(t, http.StatusConflict, again.Code)
		assert.Contains(t, again.Body.String(), "outcome-unknown")
		assert.Equal(t, 1, b.charges(t))
	})
}

// The handler never asks for the transaction: there is none, and the outcome is
// recorded all the same.
func TestTransactionThatNobodyAsksFor(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		b := newBank(t, d)
		layer, err := idempotency.New(idempotency.Config{
			Store: b.store, Transactional: true,
			Principal: func(*http.Request) (string, error) { return "ada", nil },
		})
		require.NoError(t, err)
		runs := 0
		h := layer.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			runs++
			charged(w, runs)
		}))
		b.spy.take()
		assertCharge(t, post(h, "k"), 1)
		assert.Empty(t, b.spy.take(), "the handlers' pool was not asked for anything")
		assert.True(t, replayed(post(h, "k")))

		tx, err := b.store.Begin(t.Context())
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
		require.ErrorIs(t, tx.Commit(), sql.ErrTxDone)
		_, err = sqlstore.Tx(tx.Context(t.Context()))
		require.ErrorIs(t, err, sql.ErrTxDone, "it is over")
		_, err = sqlstore.Tx(t.Context())
		require.ErrorIs(t, err, sqlstore.ErrNoTransaction)
		pool, err := sqlstore.Conn(t.Context(), b.db)
		require.NoError(t, err)
		assert.Same(t, b.db, pool, "outside of a transaction it is the pool")
	})
}

func TestAbortedTransactionStillRecords(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		t.Run("a violation that is answered is recorded", func(t *testing.T) {
			b := newBank(t, d)
			b.exec(t, b.insert(1))
			v := b.serve(t, func(w http.ResponseWriter, r *http.Request, tx *sql.Tx, _ int) {
				_, err := tx.ExecContext(r.Context(), b.insert(2))
				require.NoError(t, err)
				_, err = tx.ExecContext(r.Context(), b.insert(1))
				require.Error(t, err)
				fail(w, r, err)
			})
			w := post(v, "k")
			assert.Equal(t, problem.KindDuplicate, kindOf(t, w))
			again := post(v, "k")
			assert.True(t, replayed(again))
			assert.Equal(t, w.Body.String(), again.Body.String())
			assert.Equal(t, 1, b.charges(t), "the one that was there")
		})
	})
	for _, d := range []database{pgxPostgres, pqPostgres} {
		t.Run(d.name+": a violation that is swallowed is no success", func(t *testing.T) {
			t.Parallel()
			b := newBank(t, d)
			v := b.serve(t, func(w http.ResponseWriter, r *http.Request, tx *sql.Tx, run int) {
				_, err := tx.ExecContext(r.Context(), b.insert(run))
				require.NoError(t, err)
				if run == 1 {
					_, err = tx.ExecContext(r.Context(), b.insert(run))
					require.Error(t, err)
				}
				charged(w, run)
			})
			b.assertUndone(t, v, post(v, "k"), problem.KindStoreUnavailable)
		})
	}
}

func TestTransactionEndedByDeadlock(t *testing.T) {
	t.Parallel()
	b := newBank(t, mariaDB)
	b.exec(t, "CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER)")
	b.exec(t, "INSERT INTO accounts VALUES (1, 0), (2, 0), (3, 0), (4, 0), (5, 0)")
	v := b.serve(t, func(w http.ResponseWriter, r *http.Request, tx *sql.Tx, run int) {
		ctx := r.Context()
		_, err := tx.ExecContext(ctx, "UPDATE accounts SET balance = 1 WHERE id = 1")
		require.NoError(t, err)
		if run == 1 {
			other, err := b.db.BeginTx(ctx, nil)
			require.NoError(t, err)
			defer func() { _ = other.Rollback() }()
			_, err = other.ExecContext(ctx, "UPDATE accounts SET balance = 2 WHERE id > 1") // more rows: it is not the victim
			require.NoError(t, err)
			waits := make(chan error, 1)
			go func() {
				_, err := other.ExecContext(ctx, "UPDATE accounts SET balance = 2 WHERE id = 1")
				waits <- err
			}()
			time.Sleep(200 * time.Millisecond) // so that the other waits already
			_, err = tx.ExecContext(ctx, "UPDATE accounts SET balance = 1 WHERE id = 2")
			require.ErrorContains(t, err, "1213")
			require.NoError(t, <-waits)
			require.NoError(t, other.Rollback())
		}
		_, err = tx.ExecContext(ctx, b.insert(run)) // after the deadlock this is another transaction
		require.NoError(t, err)
		charged(w, run)
	})
	b.assertUndone(t, v, post(v, "k"), problem.KindStoreUnavailable)
}

func TestTransactionEndedByTheDatabaseOnSQLite(t *testing.T) {
	t.Parallel()
	b := newBank(t, sqliteFile)
	v := b.serve(t, func(w http.ResponseWriter, r *http.Request, tx *sql.Tx, run int) {
		_, err := tx.ExecContext(r.Context(), b.insert(run))
		require.NoError(t, err)
		if run == 1 { // as a full disk does it
			_, err = tx.ExecContext(r.Context(), "INSERT OR ROLLBACK INTO charges (id, account) VALUES (1, 'b')")
			require.Error(t, err)
		}
		charged(w, run)
	})
	b.assertUndone(t, v, post(v, "k"), problem.KindStoreUnavailable)
}

// The settings of a transaction are those of its session on MySQL, and nobody
// else's afterwards.
func TestSessionIsPutBack(t *testing.T) {
	t.Parallel()
	b := newBank(t, mariaDB)
	b.db.SetMaxOpenConns(1)
	settings := func() (s string) {
		require.NoError(t, b.db.QueryRowContext(t.Context(),
			"SELECT concat_ws(' ', @@autocommit, @@wait_timeout, @@innodb_lock_wait_timeout, connection_id())").Scan(&s))
		return s
	}
	before := settings()
	v := b.serve(t, func(w http.ResponseWriter, r *http.Request, tx *sql.Tx, run int) {
		var seconds, autocommit int
		require.NoError(t, tx.QueryRowContext(r.Context(), "SELECT @@wait_timeout, @@autocommit").Scan(&seconds, &autocommit))
		assert.LessOrEqual(t, seconds, 20, "the lease")
		assert.Zero(t, autocommit)
		if run == 2 {
			http.Error(w, "no", http.StatusConflict)
			return
		}
		b.charging(w, r, tx, run)
	})
	for i := range 3 {
		post(v, fmt.Sprint(i))
		assert.Equal(t, before, settings())
	}
	assert.Equal(t, 2, b.charges(t))

	ctx, cancel := context.WithCancel(t.Context())
	tx, err := b.store.Begin(ctx)
	require.NoError(t, err)
	inside, err := sqlstore.Tx(tx.Context(ctx))
	require.NoError(t, err)
	_, err = inside.ExecContext(ctx, b.insert(9))
	require.NoError(t, err)
	cancel()
	require.Error(t, tx.Commit())
	assert.Equal(t, 2, b.charges(t))
	// By a rollback that was still in time, or because the connection is another.
	withoutID := func(s string) string { return s[:strings.LastIndex(s, " ")] }
	assert.Equal(t, withoutID(before), withoutID(settings()))
}

// The deadline is the database's too: an owner that neither goes on nor goes away
// holds its locks no longer.
func TestDatabaseEndsTransactionsThatStandStill(t *testing.T) {
	for _, d := range []database{pgxPostgres, pqPostgres, mariaDB} {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			b := newBank(t, d)
			ctx := leased{t.Context(), time.Now().Add(time.Second)} // it has a deadline, at which nobody is told
			tx, err := b.store.Begin(ctx)
			require.NoError(t, err)
			inside, err := sqlstore.Tx(tx.Context(ctx))
			require.NoError(t, err)
			_, err = inside.ExecContext(t.Context(), b.insert(1))
			require.NoError(t, err)
			began := time.Now()
			limited, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err = b.db.ExecContext(limited, b.insert(1)) // waits for the lock
			require.NoError(t, err, "after %v", time.Since(began))
			assert.Less(t, time.Since(began), 5*time.Second)
			require.Error(t, tx.Commit())
			assert.Equal(t, 1, b.charges(t))
		})
	}
}

// leased is a context that has a deadline and does not end.
type leased struct {
	context.Context
	deadline time.Time
}

func (l leased) Deadline() (time.Time, bool) { return l.deadline, true }
