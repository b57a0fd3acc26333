package drivertest

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
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
	flag.Parse()
	if flag.Lookup("test.parallel").Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = flag.Set("test.parallel", "6") // tests that mostly wait need no processor each
	}
	code := m.Run()
	if left := leftover(); left != "" {
		fmt.Fprintln(os.Stderr, "goroutines of the store are left over:\n"+left)
		code = 1
	}
	for _, s := range []*shared{&postgresServer, &mariaServer} {
		for i := range s.end {
			s.end[len(s.end)-1-i]()
		}
	}
	os.Exit(code)
}

// leftover returns the stacks of the store's goroutines, and of pools of
// connections, that do not end when the tests have.
func leftover() (left string) {
	for range 300 {
		left = ""
		all := make([]byte, 1<<20)
		for stack := range strings.SplitSeq(string(all[:runtime.Stack(all, true)]), "\n\n") {
			if strings.Contains(stack, "concord/store/") && !strings.Contains(stack, "leftover") || strings.Contains(stack, "database/sql.") {
				left += stack + "\n\n"
			}
		}
		if left == "" {
			break
		}
		time.Sleep(10 * time.Millisecond) // those that were cancelled are ending
	}
	return left
}
