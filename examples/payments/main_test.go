package main

import (
	"context"
	"os"
	"testing"
)

// TestMain makes this program's test the program, for the servers of a drill.
func TestMain(m *testing.M) {
	if os.Getenv(isServer) != "" {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}
