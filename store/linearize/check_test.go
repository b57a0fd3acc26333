package linearize

import (
	"os"
	"strconv"
	"testing"

	"github.com/concordhttp/concord/store/memory"
)

// TestMemory takes a million steps, or as many as CONCORD_OPERATIONS says.
func TestMemory(t *testing.T) {
	operations := 1_000_000
	if n, err := strconv.Atoi(os.Getenv("CONCORD_OPERATIONS")); err == nil {
		operations = n
	}
	if testing.Short() {
		operations = 20_000
	}
	s := memory.New(memory.Config{})
	defer func() { _ = s.Close() }()
	Check(t, s, Options{Operations: operations})
}
