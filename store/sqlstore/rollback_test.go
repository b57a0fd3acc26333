package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
)

var errNobody = errors.New("nobody answers")

// away is a database that nobody can connect to.
type away struct{}

func (away) Connect(context.Context) (driver.Conn, error) { return nil, errNobody }
func (away) Driver() driver.Driver                        { return nil }

// What a handler answers that got no transaction is no outcome of its request: the
// layer learns of it when it rolls back.
func TestRollbackSaysThatATransactionCouldNotBegin(t *testing.T) {
	db := sql.OpenDB(away{})
	defer func() { require.NoError(t, db.Close()) }()
	s, err := New(db, Config{Dialect: SQLite})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()

	tx, err := s.Begin(t.Context())
	require.NoError(t, err)
	_, err = Tx(tx.Context(t.Context()))
	require.ErrorIs(t, err, errNobody)
	err = tx.Rollback()
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorIs(t, err, errNobody)

	tx, err = s.Begin(t.Context())
	require.NoError(t, err)
	require.NoError(t, tx.Rollback(), "one that nobody asked for is nothing to roll back")
}
