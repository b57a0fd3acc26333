package servertest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/natsstore"
	"github.com/concordhttp/concord/store/storetest"
)

// The unit and the grain that the suite counts with.
const (
	unit  = 300 * time.Millisecond
	grain = 30 * time.Millisecond
)

func TestConformance(t *testing.T) {
	conn := ConnectURL(t, address(t))
	storetest.Run(t, opener(conn, natsstore.Config{}),
		storetest.WithClock(unit, grain),
		storetest.WithRoomForBodies(1<<16, opener(conn, natsstore.Config{MaxBytes: 1 << 16})),
		storetest.WithRestart(func(t *testing.T, s store.Store) store.Store {
			require.NoError(t, s.(*natsstore.Store).Close())
			return opener(conn, natsstore.Config{})(t)
		}),
	)
}
