package testserver

import (
	"os"
	"os/exec"
	"testing"
)

// OnPath returns the path of a program that a test runs to its end, such as a
// client. Where it is not on PATH there is nothing to test.
func OnPath(t testing.TB, program string) (path string) {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		missing(t, "%s is not on PATH", program)
	}
	return path
}

// missing ends a test for which there is no server, or no program.
func missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CONCORD_TEST_REQUIRE") == "1" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}
