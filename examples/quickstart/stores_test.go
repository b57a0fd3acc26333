//go:build unix

package main

import (
	"bytes"
	"testing"

	"github.com/concordhttp/concord/examples/internal/teststore"
)

// Whatever the store, every answer of the tour is the same.
func TestTheTourOnEachStore(t *testing.T) {
	for _, at := range []teststore.At{
		teststore.SQLite, teststore.Postgres, teststore.MariaDB, teststore.Redis, teststore.NATS,
	} {
		t.Run(at.Name, func(t *testing.T) {
			url := at.URL(t)
			tours := 1
			if at.Name == teststore.SQLite.Name {
				tours = 2 // the second one finds what the first has left
			}
			for range tours {
				var stdout, stderr bytes.Buffer
				if run(t.Context(), []string{"-addr", "127.0.0.1:0", "-serve=false", "-store", url}, scenarios, &stdout, &stderr) != 0 {
					t.Fatalf("%s%s", &stdout, &stderr)
				}
			}
		})
	}
}
