package memory_test

import (
	"io"
	"testing"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/memory"
	"github.com/concordhttp/concord/store/storetest"
)

// opener opens stores of one configuration, and closes them with the test.
func opener(c memory.Config) storetest.Open {
	return func(t *testing.T) store.Store {
		t.Helper()
		s := memory.New(c)
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
}

// TestConformance runs the suite on the fake clock, where instants count, on the
// default shards and on a single one, where every key has every other for a
// neighbour.
func TestConformance(t *testing.T) {
	for name, c := range map[string]memory.Config{
		"with the default shards": {},
		"with a single shard":     {Shards: 1},
	} {
		t.Run(name, func(t *testing.T) {
			records, bodies := c, c
			records.MaxRecords = 40
			bodies.MaxBodyBytes = 1 << 16
			storetest.Run(t, opener(c),
				storetest.InBubble(),
				storetest.WithRoomForRecords(records.MaxRecords, opener(records)),
				storetest.WithRoomForBodies(bodies.MaxBodyBytes, opener(bodies)),
				storetest.WithRestart(func(t *testing.T, s store.Store) store.Store {
					t.Helper()
					if err := s.(io.Closer).Close(); err != nil {
						t.Fatal(err)
					}
					return opener(c)(t)
				}),
				storetest.WithRepeatedDelivery(func(t *testing.T) store.Store {
					t.Helper()
					return twice{opener(c)(t)}
				}),
			)
		})
	}
}
