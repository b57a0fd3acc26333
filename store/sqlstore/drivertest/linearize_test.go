package drivertest

import (
	"os"
	"strconv"
	"testing"

	"github.com/concordhttp/concord/store/linearize"
)

// TestLinearizable takes 100,000 steps on each database, or as many as
// CONCORD_OPERATIONS says; a twentieth of that under the race detector, which makes
// four minutes of it on two processors.
func TestLinearizable(t *testing.T) {
	operations := 100_000
	if n, err := strconv.Atoi(os.Getenv("CONCORD_OPERATIONS")); err == nil {
		operations = n
	}
	if raceDetector || testing.Short() {
		operations /= 20
	}
	eachDatabase(t, func(t *testing.T, d database) {
		linearize.Check(t, d.fresh(t), linearize.Options{Operations: operations})
	})
}
