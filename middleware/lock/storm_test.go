package lock_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/middleware/lock"
	"github.com/concordhttp/concord/store/memory"
)

var stormSeed = flag.Uint64("storm.seed", 0, "seed of TestStorm; 0: a new one each time")

// history is what happened, in the order in which it did.
type history struct {
	mu     sync.Mutex
	events []happening
}

type happening struct {
	at    time.Time
	what  string // begins, ends, locked, renewed, unlocks
	who   string
	under bool // begins: under a lock
	lasts time.Duration
}

func (h *history) add(e happening) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e.at = time.Now()
	h.events = append(h.events, e)
}

// check replays the history, and returns what must not have happened.
func (h *history) check() (faults []string) {
	var holder string
	var until time.Time
	inside := map[string]bool{}
	for i, e := range h.events {
		fault := func(text string) { faults = append(faults, fmt.Sprintf("event %d, %s %s: %s", i, e.who, e.what, text)) }
		held := holder != "" && e.at.Before(until)
		switch e.what {
		case "begins":
			if held && (e.who != holder || !e.under) {
				fault("under the lock of " + holder)
			}
			if len(inside) > 0 {
				fault("while another write goes on")
			}
			inside[e.who] = true
		case "ends":
			delete(inside, e.who)
		case "locked":
			if held {
				fault(holder + " has the lock")
			}
			if len(inside) > 0 {
				fault("while a write goes on")
			}
			holder, until = e.who, e.at.Add(e.lasts)
		case "renewed":
			if holder != e.who || !held {
				fault("what it did not have")
			}
			until = e.at.Add(e.lasts)
		case "unlocks":
			if holder == e.who {
				holder = ""
			}
		}
	}
	return faults
}

// TestStorm: many users do what users do to one document, on servers that share
// a store, with and without entity tags outside; and at no time does a write
// begin under another's lock, nor is a lock granted while a write goes on.
func TestStorm(t *testing.T) {
	seed := *stormSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d: go test -run TestStorm -storm.seed=%d", seed, seed)
	synctest.Test(t, func(t *testing.T) {
		past := &history{}
		docs := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, under := lock.FromContext(r.Context())
			past.add(happening{what: "begins", who: r.Header.Get("X-User"), under: under})
			if takes, err := time.ParseDuration(r.Header.Get("X-Takes")); err == nil {
				time.Sleep(takes)
			}
			past.add(happening{what: "ends", who: r.Header.Get("X-User")})
		})
		shared := memory.New(memory.Config{})
		servers := []http.Handler{server(t, shared, false, docs), server(t, shared, true, docs), server(t, shared, false, docs)}
		var all sync.WaitGroup
		for i := range 8 {
			u := &stormUser{name: fmt.Sprintf("user%d", i), past: past, servers: servers, random: rand.New(rand.NewPCG(seed, uint64(i)))}
			all.Go(func() {
				for range 300 {
					u.act()
				}
			})
		}
		all.Wait()
		assert.Empty(t, past.check())
		counts := map[string]int{}
		for _, e := range past.events {
			counts[e.what]++
		}
		t.Log(counts)
		for _, what := range []string{"begins", "locked", "renewed", "unlocks"} {
			assert.Greater(t, counts[what], 20, what)
		}
	})
}

type stormUser struct {
	name    string
	past    *history
	servers []http.Handler
	random  *rand.Rand
	token   string
}

func (u *stormUser) act() {
	h := u.servers[u.random.IntN(len(u.servers))]
	time.Sleep(time.Duration(u.random.IntN(700)) * time.Millisecond)
	lasts := time.Duration(1+u.random.IntN(5)) * time.Second
	fields := []string{"Timeout", "Second-" + strconv.Itoa(int(lasts/time.Second))}
	if u.token != "" && u.random.IntN(10) > 0 {
		fields = append(fields, "Lock-Token", u.token)
	}
	named := len(fields) > 2
	switch u.random.IntN(5) {
	case 0, 1:
		method := []string{"PUT", "POST", "DELETE", "PATCH"}[u.random.IntN(4)]
		takes := fmt.Sprintf("%dms", u.random.IntN(400))
		if do(h, u.name, method, "/a", "x", append(fields, "X-Takes", takes)...).Code == http.StatusPreconditionFailed {
			u.token = ""
		}
	case 2, 3:
		w := do(h, u.name, "LOCK", "/a", "", fields...)
		switch {
		case w.Code == 200 && named:
			u.past.add(happening{what: "renewed", who: u.name, lasts: lasts})
		case w.Code == 200:
			u.token = strings.Trim(w.Header().Get("Lock-Token"), "<>")
			u.past.add(happening{what: "locked", who: u.name, lasts: lasts})
		case named:
			u.token = ""
		}
	case 4:
		if named {
			u.past.add(happening{what: "unlocks", who: u.name})
			do(h, u.name, "UNLOCK", "/a", "", fields...)
			u.token = ""
		}
	}
}
