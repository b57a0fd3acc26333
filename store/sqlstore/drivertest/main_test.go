package drivertest

import (
	"fmt"
	"os"
	"sync"
	"testing"
)

// shared is a server that all tests share. The first to ask for it starts it.
type shared struct {
	mu      sync.Mutex
	address string
	end     []func()
}

var postgresServer, mariaServer shared

// of returns the address of the server that find finds or starts. The server ends
// with TestMain.
func (s *shared) of(t testing.TB, find func(testing.TB) string) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.address == "" {
		s.address = find(lasting{t, s})
	}
	return s.address
}

// lasting is the test that starts a shared server, which outlives it.
type lasting struct {
	testing.TB
	s *shared
}

func (l lasting) Cleanup(f func()) { l.s.end = append(l.s.end, f) }
func (l lasting) Errorf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...) // its test may be over
}
func (lasting) Helper() {}

func TestMain(m *testing.M) {
	if name := os.Getenv(frozenDriver); name != "" {
		freezing(name, os.Getenv(frozenSource), os.Getenv(frozenWhere))
		return
	}
	code := m.Run()
	for _, s := range []*shared{&postgresServer, &mariaServer} {
		for i := range s.end {
			s.end[len(s.end)-1-i]()
		}
	}
	os.Exit(code)
}
