package drivertest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/sqlstore"
)

func TestBinaryKeyInSQL(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s := d.fresh(t)
		keys := []string{"\x00", "a", "a\x00", "a\x00b", "\xff\x00'\\", "A"}
		for i, key := range keys {
			_, created, err := s.Create(t.Context(), key, store.Record{Head: fmt.Append(nil, i), TTL: time.Hour})
			require.NoError(t, err)
			require.True(t, created, "%q", key)
		}
		for i, key := range keys {
			r, found, err := s.Get(t.Context(), key)
			require.NoError(t, err)
			require.True(t, found, "%q", key)
			assert.Equal(t, fmt.Sprint(i), string(r.Head), "%q", key)
		}
	})
}

func TestServersThatStartAtOnceMigrate(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		source := d.source(t)
		errs := make(chan error, 8)
		for range cap(errs) {
			db := d.open(t, source)
			s, err := sqlstore.New(db, sqlstore.Config{Dialect: d.dialect, CallTimeout: 20 * time.Second})
			require.NoError(t, err)
			go func() { errs <- errors.Join(s.Migrate(context.Background()), s.Migrate(context.Background())) }()
		}
		for range cap(errs) {
			require.NoError(t, <-errs)
		}
	})
}

func TestSweepIsBoundedAndKeepsVersions(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		source := d.source(t)
		db, spy := d.spied(t, source)
		s := d.store(t, db, func(c *sqlstore.Config) { c.SweepBatch = 10 })
		ctx := t.Context()
		for i := range 25 {
			r, _, err := s.Create(ctx, fmt.Sprint("deleted ", i), store.Record{TTL: time.Hour})
			require.NoError(t, err)
			_, err = s.Delete(ctx, fmt.Sprint("deleted ", i), r.Version)
			require.NoError(t, err)
		}
		_, _, err := s.Create(ctx, "expired", store.Record{TTL: 1})
		require.NoError(t, err)
		_, _, err = s.Create(ctx, "stands", store.Record{TTL: time.Hour})
		require.NoError(t, err)
		rows := func() (n int) {
			require.NoError(t, db.QueryRowContext(ctx, "SELECT count(*) FROM concord_records").Scan(&n))
			return n
		}
		sweep := func(want int) {
			t.Helper()
			removed, err := s.Sweep(ctx)
			require.NoError(t, err)
			assert.Equal(t, want, removed)
		}
		sweep(0)
		assert.Equal(t, 27, rows(), "the versions outlive their records")
		later := func(spans int) {
			_, err := db.ExecContext(ctx, fmt.Sprintf("UPDATE concord_records SET due = due - %d", spans))
			require.NoError(t, err)
		}
		later(1)
		sweep(0) // store.Grace is not over for what ended at the end of its span
		later(1)
		spy.take()
		sweep(26)
		assert.Len(t, spy.take(), 3, "batches of ten")
		assert.Equal(t, 1, rows())
		_, found, err := s.Get(ctx, "stands")
		require.NoError(t, err)
		assert.True(t, found)
	})
}

func TestBodiesOverTheLimit(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s := d.fresh(t, func(c *sqlstore.Config) { c.MaxBody = 1 << 20 })
		ctx, fits, over := t.Context(), make([]byte, 1<<20), make([]byte, 1<<20+1)
		_, _, err := s.Create(ctx, "k", store.Record{Body: over, TTL: time.Hour})
		require.ErrorIs(t, err, store.ErrTooLarge)
		r, created, err := s.Create(ctx, "k", store.Record{Body: fits, TTL: time.Hour})
		require.NoError(t, err)
		require.True(t, created)
		r, replaced, err := s.Replace(ctx, "k", r.Version, store.Record{Head: []byte("h"), Body: over, TTL: time.Hour})
		require.NoError(t, err)
		require.True(t, replaced)
		assert.True(t, r.Dropped)
		assert.Empty(t, r.Body)
		r, _, err = s.Get(ctx, "k")
		require.NoError(t, err)
		assert.True(t, r.Dropped)
		assert.Equal(t, "h", string(r.Head))
	})
}

func TestCorruptRowsAreNoAbsentRecords(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		db := d.open(t, d.source(t))
		s := d.store(t, db)
		ctx := t.Context()
		r, _, err := s.Create(ctx, "k", store.Record{TTL: time.Hour})
		require.NoError(t, err)
		_, err = db.ExecContext(ctx, "UPDATE concord_records SET version = -1")
		require.NoError(t, err)
		_, found, err := s.Get(ctx, "k")
		require.Error(t, err)
		require.False(t, found)
		_, created, err := s.Create(ctx, "k", store.Record{TTL: time.Hour})
		require.Error(t, err)
		require.False(t, created)
		_, replaced, err := s.Replace(ctx, "k", r.Version, store.Record{TTL: time.Hour})
		require.Error(t, err)
		require.False(t, replaced)
	})
}
