package drivertest

import (
	"context"
	"database/sql"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store/sqlstore"
)

// What was read in a transaction has changed by the time that it writes: 40001 on
// PostgreSQL, 1020 on MariaDB, SQLITE_BUSY_SNAPSHOT.
func TestWriteConflictLeavesTheKeyFree(t *testing.T) {
	snapshots := map[string]string{mariaDB.name: "innodb_snapshot_isolation=ON"}
	eachDatabase(t, func(t *testing.T, d database) {
		var settings []string
		if s := snapshots[d.name]; s != "" {
			settings = append(settings, s)
		}
		b := d.bankAt(t, d.source(t, settings...), func(c *sqlstore.Config) {
			if d.dialect != sqlstore.SQLite { // which knows one level, and its driver only the default
				c.Isolation = sql.LevelRepeatableRead
			}
		})
		b.exec(t, "CREATE TABLE charges (id INTEGER PRIMARY KEY, account VARCHAR(100))")
		b.exec(t, "CREATE TABLE balances (balance INTEGER)")
		b.exec(t, "INSERT INTO balances VALUES (10)")
		v := b.serve(t, func(w http.ResponseWriter, r *http.Request, tx *sql.Tx, run int) {
			var balance int
			require.NoError(t, tx.QueryRowContext(r.Context(), "SELECT balance FROM balances").Scan(&balance))
			if run == 1 {
				b.exec(t, "UPDATE balances SET balance = 11")
			}
			if _, err := tx.ExecContext(r.Context(), "UPDATE balances SET balance = 9"); err != nil {
				fail(w, r, err)
				return
			}
			b.charging(w, r, tx, run)
		})
		b.assertUndone(t, v, post(v, "k"), problem.KindWriteConflict)
	})
}

// PostgreSQL finds out about write skew when the second of two commits.
func TestSerializationFailureAtTheEnd(t *testing.T) {
	for _, d := range []database{pgxPostgres, pqPostgres} {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			b := newBank(t, d, func(c *sqlstore.Config) { c.Isolation = sql.LevelSerializable })
			skew := func(ctx context.Context, tx *sql.Tx, id int) {
				var n int
				require.NoError(t, tx.QueryRowContext(ctx, "SELECT count(*) FROM charges").Scan(&n))
				_, err := tx.ExecContext(ctx, b.insert(id))
				require.NoError(t, err)
			}
			v := b.serve(t, func(w http.ResponseWriter, r *http.Request, tx *sql.Tx, run int) {
				skew(r.Context(), tx, run)
				if run == 1 {
					other, err := b.db.BeginTx(r.Context(), &sql.TxOptions{Isolation: sql.LevelSerializable})
					require.NoError(t, err)
					skew(r.Context(), other, 50)
					require.NoError(t, other.Commit())
				}
				charged(w, run)
			})
			w := post(v, "k")
			assert.Equal(t, problem.KindWriteConflict, kindOf(t, w), w.Body.String())
			assert.NotEmpty(t, w.Header().Get("Retry-After"))
			assert.Equal(t, 1, b.charges(t), "the other's")
			assertCharge(t, post(v, "k"), 2)
			assert.Equal(t, 2, b.charges(t))
		})
	}
}
