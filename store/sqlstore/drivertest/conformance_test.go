package drivertest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/sqlstore"
	"github.com/concordhttp/concord/store/storetest"
)

// TestConformance runs the suite on every database; on PostgreSQL with both
// drivers, and with one of them where everything is SERIALIZABLE.
func TestConformance(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		if d.name == pgxPostgres.name {
			conforms(t, d, "default_transaction_isolation=serializable")
			return
		}
		conforms(t, d)
	})
}

func conforms(t *testing.T, d database, settings ...string) {
	sources := map[store.Store]string{}
	open := func(t *testing.T, source string) *sqlstore.Store {
		t.Helper()
		s := d.store(t, d.open(t, source))
		sources[s] = source
		return s
	}
	storetest.Run(t,
		func(t *testing.T) store.Store { return open(t, d.source(t, settings...)) },
		storetest.WithRestart(func(t *testing.T, s store.Store) store.Store {
			t.Helper()
			require.NoError(t, s.(*sqlstore.Store).Close())
			return open(t, sources[s])
		}),
		storetest.WithRepeatedDelivery(func(t *testing.T) store.Store {
			t.Helper()
			return twice{open(t, d.source(t, settings...))}
		}),
	)
}
