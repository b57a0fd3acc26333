//go:build unix

package testserver

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPrivateDatabasesCanBeKilledAndStartedAgain(t *testing.T) {
	for name, private := range map[string]func(testing.TB, ...string) (string, *Process){
		"PostgreSQL": PrivatePostgres,
		"MariaDB":    PrivateMariaDB,
	} {
		t.Run(name, func(t *testing.T) {
			url, p := private(t)
			assert.Contains(t, url, "127.0.0.1:")
			p.Kill(t)
			p.Start(t) // which waits until it answers
		})
	}
}
