package servertest

import (
	"os"
	"strconv"
	"testing"

	"github.com/concordhttp/concord/store/linearize"
	"github.com/concordhttp/concord/store/natsstore"
)

// TestLinearizable takes 100,000 steps on one server and a twentieth of them on
// three, or as many as CONCORD_OPERATIONS says.
func TestLinearizable(t *testing.T) {
	t.Parallel()
	operations := 100_000
	if n, err := strconv.Atoi(os.Getenv("CONCORD_OPERATIONS")); err == nil {
		operations = n
	}
	if testing.Short() {
		operations = 5_000
	}
	t.Run("one server", func(t *testing.T) {
		t.Parallel()
		conn := ConnectURL(t, fastAddress(t))
		linearize.Check(t, open(t, natsstore.Config{Conn: conn}), linearize.Options{Operations: operations})
	})
	t.Run("three servers", func(t *testing.T) {
		t.Parallel()
		conn := connectTo(t, StartProcesses(t, 3))
		linearize.Check(t, open(t, natsstore.Config{Conn: conn, Replicas: 3}), linearize.Options{Operations: operations / 20})
	})
}
