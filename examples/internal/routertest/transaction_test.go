// Package routertest has what the adapters are tested with that only a database
// shows.
package routertest

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // registers "sqlite"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/echoadapter"
	"github.com/concordhttp/concord/middleware/ginadapter"
	"github.com/concordhttp/concord/store/sqlstore"
)

var errFailed = errors.New("the payment failed")

// pay writes a payment in the transaction of the request, and then fails if it is
// to.
func pay(ctx context.Context, fails bool) error {
	tx, err := sqlstore.Tx(ctx)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO payments DEFAULT VALUES"); err != nil {
		return err
	}
	if fails {
		return errFailed
	}
	return nil
}

func ginServer(stack *concord.Stack) http.Handler {
	gin.SetMode(gin.TestMode)
	engine := gin.New()
	engine.POST("/payments", ginadapter.Wrap(engine, stack.Handler), func(c *gin.Context) {
		if err := pay(c.Request.Context(), c.Query("fails") != ""); err != nil {
			_ = c.Error(err)
			return
		}
		c.Status(http.StatusCreated)
	})
	return engine
}

func echoServer(stack *concord.Stack) http.Handler {
	e := echo.New()
	e.POST("/payments", func(c echo.Context) error {
		if err := pay(c.Request().Context(), c.QueryParam("fails") != ""); err != nil {
			return err
		}
		return c.NoContent(http.StatusCreated)
	}, echoadapter.Wrap(stack.Handler))
	return e
}

// TestTheTransactionEndsAsTheRouterAnswers: it is innermost, and an error that
// the router makes an answer of rolls it back.
func TestTheTransactionEndsAsTheRouterAnswers(t *testing.T) {
	for name, server := range map[string]func(*concord.Stack) http.Handler{"gin": ginServer, "echo": echoServer} {
		t.Run(name, func(t *testing.T) {
			db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "test.db")+
				"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(1000)&_txlock=immediate")
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, db.Close()) })
			records, err := sqlstore.New(db, sqlstore.Config{Dialect: sqlstore.SQLite})
			require.NoError(t, err)
			require.NoError(t, records.Migrate(t.Context()))
			_, err = db.ExecContext(t.Context(), "CREATE TABLE payments (id INTEGER PRIMARY KEY)")
			require.NoError(t, err)
			stack, err := concord.New(concord.Config{
				Store: records, Principal: concord.DangerouslyShared, Idempotency: idempotency.Config{Transactional: true},
			})
			require.NoError(t, err)
			h := server(stack)
			for _, c := range []struct {
				key, query       string
				status, payments int
			}{
				{"1", "", 201, 1},
				{"1", "", 201, 1}, // replayed
				{"2", "?fails=1", 500, 1},
				{"2", "?fails=1", 500, 1},
				{"3", "", 201, 2},
			} {
				r := httptest.NewRequest(http.MethodPost, "/payments"+c.query, http.NoBody)
				r.Header.Set("Idempotency-Key", c.key)
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				payments := 0
				require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM payments").Scan(&payments))
				assert.Equal(t, c.status, w.Code, "%v: %s", c, w.Body)
				assert.Equal(t, c.payments, payments, "%v", c)
			}
		})
	}
}
