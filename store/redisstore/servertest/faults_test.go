//go:build unix

package servertest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/internal/testserver"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/redisstore"
)

// harms are the ways in which a network fails.
var harms = []struct{ name, toxic, stream, attributes string }{
	{"every reply is late", "latency", "downstream", `"latency": 2000`},
	{"every request is late", "latency", "upstream", `"latency": 2000`},
	{"no reply comes", "timeout", "downstream", `"timeout": 0`},
	{"no request arrives", "timeout", "upstream", `"timeout": 0`},
	{"replies cut the connection", "reset_peer", "downstream", `"timeout": 0`},
	{"requests cut the connection", "reset_peer", "upstream", `"timeout": 0`},
	{"replies are truncated", "limit_data", "downstream", `"bytes": 3`},
	{"requests are truncated", "limit_data", "upstream", `"bytes": 40`},
}

// TestAHarmedNetworkIsSaidInTimeAndRecoversFrom harms the connections of a store
// that is in use, and heals them.
func TestAHarmedNetworkIsSaidInTimeAndRecoversFrom(t *testing.T) {
	url, _ := testserver.PrivateRedis(t, "--appendfsync", "no")
	for _, h := range harms {
		t.Run(h.name, func(t *testing.T) {
			n := newNetwork(t, address(t, url))
			s := newStore(t, newClient(t, n.addr()), limit)
			ctx := context.Background()
			r, created, err := s.Create(ctx, "key", record("before"))
			require.NoError(t, err)
			require.True(t, created)

			n.harm(h.toxic, h.stream, h.attributes)
			for name, call := range map[string]func() (bool, error){
				"Get":     func() (bool, error) { _, ok, err := s.Get(ctx, "key"); return ok, err },
				"Create":  func() (bool, error) { _, ok, err := s.Create(ctx, "other", record("mine")); return ok, err },
				"Replace": func() (bool, error) { _, ok, err := s.Replace(ctx, "key", r.Version, record("after")); return ok, err },
				"Delete":  func() (bool, error) { return s.Delete(ctx, "absent", 1) },
				"Watch":   func() (bool, error) { return false, s.Watch(ctx, "key", r.Version) },
			} {
				began := time.Now()
				ok, err := call()
				require.ErrorIs(t, err, store.ErrUnavailable, name)
				require.False(t, ok, name)
				require.Less(t, time.Since(began), generous, name)
			}

			n.heal()
			eventually(t, func() bool { _, _, err := s.Get(ctx, "key"); return err == nil }, "it recovers by itself")
			standing, created := settle(t, s, "other", "mine")
			require.True(t, created || string(standing.Head) == "mine", "its owner recognises it, if it was created")
			standing, _, err = s.Get(ctx, "key")
			require.NoError(t, err)
			require.Contains(t, []string{"before", "after"}, string(standing.Head))
			require.Equal(t, "body of "+string(standing.Head), string(standing.Body))
		})
	}
}

// TestEveryTruncationOfAReply cuts the reply of a Create off behind each of its
// first bytes. The client sends it again, and what it is told in the end is true.
func TestEveryTruncationOfAReply(t *testing.T) {
	url, _ := testserver.PrivateRedis(t, "--appendfsync", "no")
	n := newNetwork(t, address(t, url))
	s := newStore(t, newClient(t, n.addr()), limit)
	for bytes := range 20 {
		key := fmt.Sprint(bytes)
		_, _, err := s.Get(context.Background(), key) // there is a connection, and it is good
		require.NoError(t, err)
		n.harm("limit_data", "downstream", fmt.Sprintf(`"bytes": %d`, bytes))
		standing, created, err := s.Create(context.Background(), key, record("mine"))
		if err == nil {
			require.True(t, created || string(standing.Head) == "mine", "after %d bytes", bytes)
		} else {
			require.ErrorIs(t, err, store.ErrUnavailable)
		}
		n.heal()
		eventually(t, func() bool { _, _, err := s.Get(context.Background(), key); return err == nil }, "it recovers")
		standing, created = settle(t, s, key, "mine")
		require.True(t, created || string(standing.Head) == "mine", "after %d bytes", bytes)
	}
}

// settle creates until there is an answer.
func settle(t testing.TB, s *redisstore.Store, key, nonce string, failed ...*atomic.Int64) (standing store.Record, created bool) {
	t.Helper()
	eventually(t, func() bool {
		var err error
		standing, created, err = s.Create(context.Background(), key, record(nonce))
		if err != nil {
			for _, count := range failed {
				count.Add(1)
			}
		}
		return err == nil
	}, "an answer")
	return standing, created
}

// TestRepliesThatComeInPieces has nothing lost and nothing mixed up.
func TestRepliesThatComeInPieces(t *testing.T) {
	url, _ := testserver.PrivateRedis(t, "--appendfsync", "no")
	n := newNetwork(t, address(t, url))
	s := newStore(t, newClient(t, n.addr()), 0)
	n.harm("slicer", "downstream", `"average_size": 3, "size_variation": 2, "delay": 10`)
	var racers sync.WaitGroup
	for i := range 8 {
		racers.Go(func() {
			for j := range 10 {
				key := fmt.Sprint(i, " ", j)
				r, created, err := s.Create(context.Background(), key, record(key))
				if !assert.NoError(t, err) || !assert.True(t, created) {
					return
				}
				woken := make(chan error, 1)
				go func() { woken <- s.Watch(context.Background(), key, r.Version) }()
				got, found, err := s.Get(context.Background(), key)
				assert.NoError(t, err)
				assert.True(t, found)
				assert.Equal(t, "body of "+key, string(got.Body))
				deleted, err := s.Delete(context.Background(), key, r.Version)
				assert.NoError(t, err)
				assert.True(t, deleted)
				assert.NoError(t, <-woken)
			}
		})
	}
	racers.Wait()
}

// TestOneOwnerOnABadNetwork has racers claim keys while connections are harmed
// and healed at random. Each asks until it is answered, and knows its own nonce:
// exactly one of them owns each key, and only it can replace the claim, once.
func TestOneOwnerOnABadNetwork(t *testing.T) {
	const racers, keys = 6, 300
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	url, _ := testserver.PrivateRedis(t, "--appendfsync", "no")
	before := runtime.NumGoroutine()
	t.Run("race", func(t *testing.T) {
		n := newNetwork(t, address(t, url))
		s := newStore(t, newClient(t, n.addr()), limit)
		var failed atomic.Int64
		var mu sync.Mutex
		owners, outcomes := map[string][]string{}, map[string]int{}
		stop := make(chan struct{})
		var harming, racing sync.WaitGroup
		harming.Go(func() { misbehave(n, rand.New(rand.NewPCG(seed, 0)), stop) })
		for i := range racers {
			racing.Go(func() {
				for k := range keys {
					key, nonce := fmt.Sprint("key ", k), fmt.Sprint("racer ", i)
					standing, created := settle(t, s, key, nonce, &failed)
					if !created && string(standing.Head) != nonce {
						continue
					}
					mu.Lock()
					owners[key] = append(owners[key], nonce)
					mu.Unlock()
					if complete(t, s, key, standing.Version, nonce+" is done") {
						mu.Lock()
						outcomes[key]++
						mu.Unlock()
					}
				}
			})
		}
		racing.Wait()
		close(stop)
		harming.Wait()
		for k := range keys {
			key := fmt.Sprint("key ", k)
			assert.Len(t, owners[key], 1, key)
			assert.Equal(t, 1, outcomes[key], key)
		}
		t.Logf("%d calls failed", failed.Load())
		assert.Positive(t, failed.Load(), "or else the network was not bad")
		require.NoError(t, s.Close())
	})
	eventually(t, func() bool { return runtime.NumGoroutine() <= before }, "no goroutine is left")
	direct := newClient(t, address(t, url))
	eventually(t, func() bool {
		return strings.Contains(direct.Info(context.Background(), "clients").Val(), "connected_clients:1\r")
	}, "no connection is left")
}

// complete replaces the claim, and sends that again until it is answered.
func complete(t testing.TB, s *redisstore.Store, key string, version uint64, outcome string) (mine bool) {
	t.Helper()
	eventually(t, func() bool {
		standing, replaced, err := s.Replace(context.Background(), key, version, record(outcome))
		mine = replaced || string(standing.Head) == outcome
		return err == nil
	}, "an answer")
	return mine
}

// misbehave harms and heals until it is stopped.
func misbehave(n *network, lots *rand.Rand, stop <-chan struct{}) {
	for {
		h := harms[lots.IntN(len(harms))]
		n.harm(h.toxic, h.stream, h.attributes)
		pause := time.After(time.Duration(lots.IntN(60)) * time.Millisecond)
		select {
		case <-pause:
		case <-stop:
		}
		n.heal()
		select {
		case <-time.After(time.Duration(lots.IntN(100)) * time.Millisecond):
		case <-stop:
			return
		}
	}
}
