package storetest

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concordhttp/concord/store"
)

// reporter is what a check uses of testing.TB, so that the suite's own tests
// can watch a check fail.
type reporter interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
	Failed() bool
}

// env is what a check runs in. Its Fatalf and Skipf, and the methods that may
// call them, belong to the goroutine of the check alone.
type env struct {
	reporter
	settings
	t   *testing.T // for the functions that open stores
	ctx context.Context
}

func newEnv(t *testing.T, r reporter, s settings) *env {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	return &env{reporter: r, settings: s, t: t, ctx: ctx}
}

// store opens an empty store.
func (e *env) store() store.Store {
	e.Helper()
	return e.settings.open(e.t)
}

// storeOf opens one with a capability that the settings describe, or skips the
// check and names the option that is missing.
func (e *env) storeOf(open Open, option string) store.Store {
	e.Helper()
	if open == nil {
		e.Skipf("not checked: %s was not given", option)
	}
	return open(e.t)
}

// watcher opens a store that is a store.Watcher, or skips the check.
func (e *env) watcher() (store.Store, store.Watcher) {
	e.Helper()
	s := e.store()
	w, ok := s.(store.Watcher)
	if !ok {
		e.Skipf("not checked: %T is no store.Watcher, so callers poll", s)
	}
	return s, w
}

// random returns the generator of a check that draws lots, and prints its seed.
func (e *env) random() *rand.Rand {
	e.Logf("CONCORD_SEED=%d", e.seed)
	return generator(e.seed)
}

// generator returns the generator of a seed. Lots are drawn so that they can be
// drawn again, which is why they must not be secret.
func generator(seed uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // G404: it has to be predictable
}

// settle gives other goroutines the time to reach the point where they wait.
// Outside a bubble it can only make that likely.
func (e *env) settle() {
	if e.bubble {
		synctest.Wait()
		return
	}
	time.Sleep(e.unit / 20)
}

// record returns a record whose head is nonce and whose body can be told from
// that of any other nonce.
func record(nonce string, ttl time.Duration) store.Record {
	return store.Record{Head: []byte(nonce), Body: []byte("body of " + nonce), TTL: ttl}
}
