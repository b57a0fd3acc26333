package idempotency_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/memory"
)

// polled hides everything but the methods of store.Store.
type polled struct{ store.Store }

// slack is by how much a server that polls comes later than one that watches.
const slack = 400 * time.Millisecond

// bothStores runs test with a store that can be watched and one that cannot.
func bothStores(t *testing.T, name string, test func(t *testing.T, s store.Store)) {
	t.Helper()
	bubble(t, name+", watched", func(t *testing.T) { test(t, memory.New(memory.Config{})) })
	bubble(t, name+", polled", func(t *testing.T) { test(t, polled{memory.New(memory.Config{})}) })
}

// assertTook fails unless p was answered after d, or a poll later.
func assertTook(t *testing.T, d time.Duration, s store.Store, p *pending) {
	t.Helper()
	p.answer()
	if _, watched := s.(store.Watcher); watched {
		assert.Equal(t, d, p.took)
		return
	}
	assert.GreaterOrEqual(t, p.took, d)
	assert.Less(t, p.took, d+slack)
}

func TestWaitForTheOutcome(t *testing.T) {
	bothStores(t, "a duplicate gets it as soon as it is there", func(t *testing.T, s store.Store) {
		pay := taking(2 * leaseTime)
		a, b := serverOn(t, s, pay), serverOn(t, s, pay, waiting(time.Minute))
		start(a, post("k", "{}"))
		synctest.Wait()
		for _, p := range []*pending{start(b, post("k", "{}")), start(b, post("k", "{}"))} {
			assertTook(t, 2*leaseTime, s, p)
			assertCharge(t, 1, p.answer())
			assert.True(t, replayed(p.answer()))
		}
		assert.EqualValues(t, 1, pay.runs.Load())
		for _, e := range b.saw.of(middleware.EventReplayed) {
			assert.InDelta(t, 2*leaseTime, e.Wait, float64(slack), "and the observer learns how long that took")
		}
	})
	bothStores(t, "409 when the wait is over", func(t *testing.T, s store.Store) {
		pay := taking(2 * time.Minute)
		a, b := serverOn(t, s, pay), serverOn(t, s, pay, waiting(time.Minute))
		first := start(a, post("k", "{}"))
		synctest.Wait()
		second := start(b, post("k", "{}"))
		assertInFlight(t, second.answer())
		assert.Equal(t, time.Minute, second.took)
		refused := b.saw.of(middleware.EventRefused)
		require.Len(t, refused, 1)
		assert.Equal(t, time.Minute, refused[0].Wait)
		assertCharge(t, 1, first.answer())
		assert.EqualValues(t, 1, pay.runs.Load())
	})
	bothStores(t, "not at all unless asked for", func(t *testing.T, s store.Store) {
		pay := taking(time.Minute)
		h := serverOn(t, s, pay)
		first := start(h, post("k", "{}"))
		synctest.Wait()
		second := start(h, post("k", "{}"))
		assertInFlight(t, second.answer())
		assert.Zero(t, second.took)
		first.answer()
	})
	bothStores(t, "another request with the key is told so at once", func(t *testing.T, s store.Store) {
		pay := taking(time.Minute)
		h := serverOn(t, s, pay, waiting(time.Hour))
		first := start(h, post("k", "{}"))
		synctest.Wait()
		second := start(h, post("k", "[]"))
		assert.Equal(t, problem.KindKeyReused, kindOf(t, second.answer()))
		assert.Zero(t, second.took)
		first.answer()
	})
	bothStores(t, "what was too large to keep", func(t *testing.T, s store.Store) {
		pay := taking(time.Second)
		h := serverOn(t, s, pay, waiting(time.Minute), func(c *idempotency.Config) { c.MaxResponseBody = 1 })
		first := start(h, post("k", "{}"))
		synctest.Wait()
		assert.Equal(t, problem.KindResponseNotRetained, kindOf(t, send(h, post("k", "{}"))))
		assertCharge(t, 1, first.answer())
	})
}

func TestWaitForTheKey(t *testing.T) {
	frees := func(first time.Duration) *till {
		return &till{then: func(w http.ResponseWriter, _ *http.Request, n int64) {
			time.Sleep(first)
			if n == 1 {
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			charged(w, n)
		}}
	}
	bothStores(t, "the next runs when the first has freed it, and the others get its answer", func(t *testing.T, s store.Store) {
		pay := frees(2 * leaseTime)
		a, b := serverOn(t, s, pay, waiting(time.Minute)), serverOn(t, s, pay, waiting(time.Minute))
		first := start(a, post("k", "{}"))
		synctest.Wait()
		var all []*pending
		for i := range 10 {
			all = append(all, start([]http.Handler{a, b}[i%2], post("k", "{}")))
		}
		assert.Equal(t, http.StatusTooManyRequests, first.answer().Code)
		ran := 0
		for _, p := range all {
			assertCharge(t, 2, p.answer())
			if !replayed(p.answer()) {
				ran++
			}
		}
		assert.Equal(t, 1, ran)
		assert.EqualValues(t, 2, pay.runs.Load())
	})
	bothStores(t, "another request with the key has come first", func(t *testing.T, s store.Store) {
		pay := frees(time.Second)
		h := serverOn(t, s, pay, waiting(time.Minute))
		first := start(h, post("k", "{}"))
		synctest.Wait()
		other := start(h, post("k", "{}"))
		synctest.Wait()
		third := serverOn(t, s, pay)
		var faster sync.Once
		h.wire.befall(func(c step) mishap {
			if c.method != "Create" {
				return mishap{}
			}
			return mishap{before: then(func() {
				if _, stands, _ := s.Get(t.Context(), c.key); stands {
					return
				}
				faster.Do(func() {
					start(third, post("k", "[]"))
					time.Sleep(time.Millisecond) // it has claimed the key
				})
			})}
		})
		first.answer()
		assert.Equal(t, problem.KindKeyReused, kindOf(t, other.answer()))
		time.Sleep(time.Minute)
		assert.EqualValues(t, 2, pay.runs.Load())
	})
}

func TestWaitForADeadOwner(t *testing.T) {
	dies := func(t *testing.T, s store.Store, change ...func(*idempotency.Config)) (*till, *server, *pending) {
		pay, _ := firstHangs(t)
		a, b := serverOn(t, s, pay), serverOn(t, s, pay, append(change, waiting(time.Hour))...)
		start(a, post("k", "{}"))
		synctest.Wait()
		p := start(b, post("k", "{}"))
		synctest.Wait()
		a.wire.cut(true)
		return pay, b, p
	}
	bothStores(t, "Rerun runs it as soon as that one's lease is over", func(t *testing.T, s store.Store) {
		pay, b, p := dies(t, s, rerun)
		assertTook(t, lapseTime, s, p)
		assertCharge(t, 2, p.answer())
		assertCharge(t, 2, send(b, post("k", "{}")))
		assert.EqualValues(t, 2, pay.runs.Load())
	})
	bothStores(t, "Refuse says so then, not when the wait is over", func(t *testing.T, s store.Store) {
		pay, _, p := dies(t, s)
		assertTook(t, lapseTime, s, p)
		assert.Equal(t, problem.KindOutcomeUnknown, kindOf(t, p.answer()))
		assert.EqualValues(t, 1, pay.runs.Load())
	})
	for name, policy := range map[string]func(*idempotency.Config){"Refuse": func(*idempotency.Config) {}, "Rerun": rerun} {
		bothStores(t, "a panic is the end of the wait, "+name, func(t *testing.T, s store.Store) {
			pay := &till{then: func(http.ResponseWriter, *http.Request, int64) {
				time.Sleep(time.Second)
				panic("boom")
			}}
			h := serverOn(t, s, pay, policy, waiting(time.Minute))
			start(recovering{h}, post("k", "{}"))
			synctest.Wait()
			p := start(h, post("k", "{}"))
			assertTook(t, time.Second, s, p)
			want := map[string]problem.Kind{"Refuse": problem.KindOutcomeUnknown, "Rerun": problem.KindRequestInFlight}
			assert.Equal(t, want[name], kindOf(t, p.answer()))
			if name == "Rerun" {
				assert.Equal(t, "11", p.answer().Header().Get("Retry-After"), "it can be run when its lease is over")
			}
		})
	}
}

func TestWaitingClientLeaves(t *testing.T) {
	bothStores(t, "its place is free at once", func(t *testing.T, s store.Store) {
		pay := taking(time.Minute)
		h := serverOn(t, s, pay, waiting(time.Hour), func(c *idempotency.Config) { c.MaxWaiters = 1 })
		first := start(h, post("k", "{}"))
		synctest.Wait()
		r, leave := leaving(post("k", "{}"))
		second := start(h, r)
		time.Sleep(time.Second)
		assertInFlight(t, send(h, post("k", "{}")), "there is no more place")
		leave()
		synctest.Wait()
		assert.True(t, second.over())
		third := start(h, post("k", "{}"))
		time.Sleep(time.Second)
		assert.False(t, third.over(), "it has got the place")
		assertCharge(t, 1, first.answer())
		assertCharge(t, 1, third.answer())
	})
	bothStores(t, "it claims nothing", func(t *testing.T, s store.Store) {
		pay := taking(time.Minute)
		a, b := serverOn(t, s, pay), serverOn(t, s, pay, waiting(time.Hour))
		first := start(a, post("k", "{}"))
		synctest.Wait()
		r, leave := leaving(post("k", "{}"))
		start(b, r)
		time.Sleep(time.Second)
		calls := b.wire.calls("Create")
		leave()
		first.answer()
		time.Sleep(time.Hour)
		assert.Equal(t, calls, b.wire.calls("Create"))
		assert.EqualValues(t, 1, pay.runs.Load())
	})
	moments := map[string]func(leave func()) mishap{
		"before its claim arrives":  func(leave func()) mishap { return mishap{before: then(leave)} },
		"after its claim was made":  func(leave func()) mishap { return mishap{after: then(leave)} },
		"and its claim is answered": func(leave func()) mishap { return mishap{alter: func(*store.Record) { leave() }} },
	}
	for name, moment := range moments {
		bothStores(t, "the key is not left claimed if it leaves "+name, func(t *testing.T, s store.Store) {
			pay := &till{then: func(w http.ResponseWriter, _ *http.Request, n int64) {
				if n == 1 {
					time.Sleep(time.Second)
					w.WriteHeader(http.StatusTooManyRequests)
					return
				}
				charged(w, n)
			}}
			a, b := serverOn(t, s, pay), serverOn(t, s, pay, waiting(time.Hour))
			start(a, post("k", "{}"))
			synctest.Wait()
			r, leave := leaving(post("k", "{}"))
			second := start(b, r)
			time.Sleep(time.Second - time.Millisecond)
			b.wire.befall(func(s step) mishap {
				if s.method == "Create" {
					return moment(leave)
				}
				return mishap{}
			})
			second.answer()
			time.Sleep(time.Minute)
			require.EqualValues(t, 1, pay.runs.Load(), "it was not run for a client that is gone")
			assertCharge(t, 2, send(a, post("k", "{}")))
		})
	}
}

func TestWaiterCap(t *testing.T) {
	bothStores(t, "of one key", func(t *testing.T, s store.Store) {
		pay := taking(time.Minute)
		h := serverOn(t, s, pay, waiting(time.Hour), func(c *idempotency.Config) { c.MaxWaiters = 3 })
		first := start(h, post("k", "{}"))
		synctest.Wait()
		var wait []*pending
		for range 10 {
			wait = append(wait, start(h, post("k", "{}")))
		}
		time.Sleep(time.Second)
		refused := 0
		for _, p := range wait {
			if p.over() {
				refused++
				assertInFlight(t, p.answer())
				assert.Zero(t, p.took, "at once")
			}
		}
		assert.Equal(t, 7, refused)
		assertCharge(t, 1, first.answer())
		for _, p := range wait {
			if p.answer().Code == http.StatusCreated {
				assertCharge(t, 1, p.answer())
				refused++
			}
		}
		assert.Equal(t, 10, refused)
		assert.EqualValues(t, 1, pay.runs.Load())
	})
	bothStores(t, "of all keys together, and other keys run all the same", func(t *testing.T, s store.Store) {
		pay := taking(time.Minute)
		h := serverOn(t, s, pay, waiting(time.Hour), func(c *idempotency.Config) { c.MaxWaiters = 2 })
		var all []*pending
		for _, k := range []string{"a", "b", "c"} {
			all = append(all, start(h, post(k, "{}")))
		}
		synctest.Wait()
		all = append(all, start(h, post("a", "{}")), start(h, post("b", "{}")))
		time.Sleep(time.Second)
		assertInFlight(t, send(h, post("c", "{}")))
		all = append(all, start(h, post("d", "{}")))
		for _, p := range all {
			assert.Equal(t, http.StatusCreated, p.answer().Code)
		}
		assert.EqualValues(t, 4, pay.runs.Load())
		all = []*pending{start(h, post("e", "{}"))}
		synctest.Wait()
		all = append(all, start(h, post("e", "{}")), start(h, post("e", "{}")))
		for _, p := range all {
			assert.Equal(t, http.StatusCreated, p.answer().Code, "the places are free again")
		}
	})
}
