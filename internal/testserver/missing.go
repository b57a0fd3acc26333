//go:build unix

package testserver

import (
	"os"
	"testing"
)

// missing ends a test for which there is no server.
func missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CONCORD_TEST_REQUIRE") == "1" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}
