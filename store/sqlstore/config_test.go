package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/sqlstore"
)

// nowhere is a database that cannot be reached.
type nowhere struct{ err error }

func (n nowhere) Connect(context.Context) (driver.Conn, error) { return nil, n.err }
func (nowhere) Driver() driver.Driver                          { return nil }

func TestEveryMistakeIsReportedAtOnce(t *testing.T) {
	single := sql.OpenDB(nowhere{})
	single.SetMaxOpenConns(1)
	defer single.Close()
	_, err := sqlstore.New(nil, sqlstore.Config{
		Dialect: 9, Table: `x"; --`, Records: single, CallTimeout: -1, MaxBody: -1, SweepBatch: -1, PollMin: -1,
		Listen: func(context.Context, any) (string, error) { return "", nil },
	})
	fields := map[string]int{}
	for _, err := range err.(interface{ Unwrap() []error }).Unwrap() {
		for _, one := range append([]error{err}, unwrapped(err)...) {
			var mistake *store.ConfigError
			if _, joined := one.(interface{ Unwrap() []error }); !joined && errors.As(one, &mistake) {
				fields[mistake.Field]++
			}
		}
	}
	assert.Equal(t, map[string]int{
		"db": 1, "Dialect": 1, "Table": 1, "CallTimeout": 1, "MaxBody": 1, "SweepBatch": 1, "PollMin": 1, "Listen": 2,
	}, fields)
}

func unwrapped(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return nil
}

func TestSQLiteHasOneIsolation(t *testing.T) {
	db := sql.OpenDB(nowhere{})
	defer db.Close()
	_, err := sqlstore.New(db, sqlstore.Config{Dialect: sqlstore.SQLite, Isolation: sql.LevelRepeatableRead})
	var mistake *store.ConfigError
	require.ErrorAs(t, err, &mistake)
	assert.Equal(t, "Isolation", mistake.Field)
}

func TestNamesOfTables(t *testing.T) {
	db := sql.OpenDB(nowhere{})
	defer db.Close()
	for table, right := range map[string]bool{
		"": true, "records": true, "shop.Records_2": true, "a.b.c": false, "a b": false, "ré": false, "a-b": false, `a"`: false, "2a": false, ".a": false,
	} {
		_, err := sqlstore.New(db, sqlstore.Config{Dialect: sqlstore.SQLite, Table: table})
		assert.Equal(t, right, err == nil, "%q: %v", table, err)
	}
}

func TestAContextErrorIsThatOfTheCallersContext(t *testing.T) {
	for name, cause := range map[string]error{
		"a driver that gives up by itself": context.DeadlineExceeded,
		"a driver that is cancelled":       context.Canceled,
		"a broken connection":              errors.New("broken"),
	} {
		t.Run(name, func(t *testing.T) {
			db := sql.OpenDB(nowhere{cause})
			defer db.Close()
			s, err := sqlstore.New(db, sqlstore.Config{Dialect: sqlstore.PostgreSQL})
			require.NoError(t, err)
			_, found, err := s.Get(t.Context(), "k")
			require.ErrorIs(t, err, store.ErrUnavailable)
			require.NotErrorIs(t, err, context.DeadlineExceeded)
			require.NotErrorIs(t, err, context.Canceled)
			assert.False(t, found)

			ended, cancel := context.WithCancel(t.Context())
			cancel()
			_, _, err = s.Get(ended, "k")
			require.ErrorIs(t, err, context.Canceled)
			require.NotErrorIs(t, err, store.ErrUnavailable)
		})
	}
}
