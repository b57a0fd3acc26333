package drivertest

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/internal/testserver"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/sqlstore"
)

const outageTimeout = time.Second

// outage is a store on a server of its own.
type outage struct {
	*testing.T
	server *testserver.Process
	db     *sql.DB
	store  *sqlstore.Store
}

// unavailable wants every method to fail so, within its time. What fails may yet
// happen, when the server goes on: so the writes are such as change nothing.
func (o *outage) unavailable(version uint64) {
	o.Helper()
	r := store.Record{Head: []byte("h"), TTL: time.Hour}
	for name, call := range map[string]func(context.Context) error{
		"Get":     func(ctx context.Context) error { _, _, err := o.store.Get(ctx, "k"); return err },
		"Create":  func(ctx context.Context) error { _, _, err := o.store.Create(ctx, "new", r); return err },
		"Replace": func(ctx context.Context) error { _, _, err := o.store.Replace(ctx, "k", version+1, r); return err },
		"Delete":  func(ctx context.Context) error { _, err := o.store.Delete(ctx, "k", version+1); return err },
		"Sweep":   func(ctx context.Context) error { _, err := o.store.Sweep(ctx); return err },
		"Watch":   func(ctx context.Context) error { return o.store.Watch(ctx, "k", version) },
	} {
		began := time.Now()
		require.ErrorIs(o, call(o.Context()), store.ErrUnavailable, name)
		assert.Less(o, time.Since(began), 3*outageTimeout, name)
		ctx, cancel := context.WithTimeout(o.Context(), outageTimeout/10)
		err := call(ctx)
		if ctx.Err() != nil {
			require.ErrorIs(o, err, context.DeadlineExceeded, "%s, whose own context ends", name)
			require.NotErrorIs(o, err, store.ErrUnavailable, name)
		}
		cancel()
	}
}

// recovered wants the record as it was, soon, without anybody's help.
func (o *outage) recovered(version uint64) {
	o.Helper()
	require.EventuallyWithT(o, func(c *assert.CollectT) {
		r, found, err := o.store.Get(o.Context(), "k")
		require.NoError(c, err)
		assert.True(c, found)
		assert.Equal(c, version, r.Version)
	}, testserver.Patience, 50*time.Millisecond)
	assert.Eventually(o, func() bool { return o.db.Stats().InUse <= 1 }, 10*time.Second, 10*time.Millisecond, "connections are given back")
}

func TestOutage(t *testing.T) {
	for _, d := range []database{pgxPostgres, pqPostgres, mariaDB} {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			address := testserver.PrivatePostgres
			if d.dialect == sqlstore.MySQL {
				address = testserver.PrivateMariaDB
			}
			source, server := address(t)
			if d.dialect == sqlstore.MySQL {
				source += "mysql?interpolateParams=true"
			}
			db := d.open(t, source)
			s := d.store(t, db, func(c *sqlstore.Config) {
				c.CallTimeout = outageTimeout
				if d.name == pgxPostgres.name {
					c.Listen = pgxListen
				}
			})
			o := &outage{t, server, db, s}
			r, _, err := s.Create(t.Context(), "k", store.Record{Head: []byte("h"), TTL: time.Hour})
			require.NoError(t, err)
			watched := make(chan error, 1)
			if d.name == pgxPostgres.name {
				go func() { watched <- s.Watch(t.Context(), "k", r.Version) }()
				time.Sleep(200 * time.Millisecond)
			}

			server.Kill(t)
			o.unavailable(r.Version)
			server.Start(t)
			o.recovered(r.Version)
			server.Pause(t)
			o.unavailable(r.Version)
			server.Continue(t)
			o.recovered(r.Version)
			if d.name == pgxPostgres.name {
				require.ErrorIs(t, <-watched, store.ErrUnavailable, "who watches is told, and looks for itself")
				require.NoError(t, s.Close())
				assert.Eventually(t, func() bool { return db.Stats().InUse == 0 }, 10*time.Second, 10*time.Millisecond)
			}
		})
	}
}
