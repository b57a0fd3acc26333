//go:build unix

package redisstore_test

import (
	"os"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/internal/testserver"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/redisstore"
	"github.com/concordhttp/concord/store/storetest"
)

// TestConformance runs the suite on a server that writes to its disk before it
// answers, is killed and started again, and reached through a network that loses
// replies. What a full server does is in full_test.go: the suite wants room to
// come back when records are deleted, and here it does after store.Grace.
func TestConformance(t *testing.T) {
	url, p := testserver.PrivateRedis(t)
	conforms(t, url, p)
}

// TestConformanceOfTheServerThatIsGiven is about one that was set up by others.
func TestConformanceOfTheServerThatIsGiven(t *testing.T) {
	url := os.Getenv("CONCORD_TEST_REDIS")
	if url == "" {
		t.Skip("CONCORD_TEST_REDIS is not set, and a private server is tested by TestConformance")
	}
	storetest.Run(t, opener(newClient(t, url), redisstore.Config{}))
}

func TestConformanceOfValkey(t *testing.T) {
	url, p := testserver.PrivateValkey(t)
	conforms(t, url, p)
}

// conforms runs the suite with all that a private server allows.
func conforms(t *testing.T, url string, p *testserver.Process) {
	t.Helper()
	client := newClient(t, url)
	var prefixes sync.Map // of the stores
	open := func(t *testing.T, c redis.UniversalClient, prefix string) store.Store {
		s := newStore(t, c, redisstore.Config{Prefix: prefix})
		prefixes.Store(s, prefix)
		return s
	}
	storetest.Run(t,
		func(t *testing.T) store.Store { t.Helper(); return open(t, client, newPrefix()) },
		storetest.WithRestart(func(t *testing.T, s store.Store) store.Store {
			t.Helper()
			p.Kill(t)
			p.Start(t)
			prefix, _ := prefixes.Load(s)
			return open(t, client, prefix.(string))
		}),
		storetest.WithRepeatedDelivery(func(t *testing.T) store.Store {
			t.Helper()
			w := newWire(t, client.Options().Addr, everySecond())
			t.Cleanup(func() { assert.Positive(t, w.lost.Load(), "or else nothing was delivered twice") })
			return open(t, newClient(t, "redis://"+w.addr+"/0"), newPrefix())
		}),
	)
}
