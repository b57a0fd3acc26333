//go:build unix

package redisstore_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/internal/testserver"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/redisstore"
)

// watching watches a version once, and tells how that ended.
func watching(t testing.TB, s *redisstore.Store, key string, version uint64) <-chan error {
	t.Helper()
	woken := make(chan error, 1)
	ctx, cancel := context.WithTimeout(context.Background(), testserver.Patience)
	go func() {
		defer cancel()
		woken <- s.Watch(ctx, key, version)
	}()
	return woken
}

// eventually waits until f holds.
func eventually(t testing.TB, f func() bool, what string) {
	t.Helper()
	for began := time.Now(); !f(); time.Sleep(2 * time.Millisecond) {
		if time.Since(began) > testserver.Patience {
			require.Fail(t, "never: "+what)
		}
	}
}

// subscribers is how many connections are subscribed to the channel of a key.
func subscribers(t testing.TB, client *redis.Client, channel string) int64 {
	t.Helper()
	counts, err := client.PubSubNumSub(context.Background(), channel).Result()
	require.NoError(t, err)
	return counts[channel]
}

// subscribed is how many of the server's connections are subscribed to anything,
// of how many keys.
func subscribed(t testing.TB, client *redis.Client) (connections, channels int) {
	t.Helper()
	list, err := client.ClientList(context.Background()).Result()
	require.NoError(t, err)
	for line := range strings.Lines(list) {
		if !strings.Contains(line, " sub=0 ") {
			connections++
		}
	}
	names, err := client.PubSubChannels(context.Background(), "*").Result()
	require.NoError(t, err)
	return connections, len(names)
}

func TestAllWatchersShareOneConnection(t *testing.T) {
	url, _ := testserver.PrivateRedis(t, "--appendfsync", "no") // its connections are counted
	client := newClient(t, url)
	s := newStore(t, client, redisstore.Config{})
	const keys, each = 20, 5
	versions := map[string]uint64{}
	var woken []<-chan error
	for i := range keys {
		key := fmt.Sprint(i)
		versions[key] = mustCreate(t, s, key, record("r")).Version
		for range each {
			woken = append(woken, watching(t, s, key, versions[key]))
		}
	}
	eventually(t, func() bool { _, channels := subscribed(t, client); return channels == keys }, "all keys watched")
	connections, _ := subscribed(t, client)
	assert.Equal(t, 1, connections)
	for key, version := range versions {
		mustReplace(t, s, key, version, record("next"))
	}
	for _, w := range woken {
		require.NoError(t, <-w)
	}
	eventually(t, func() bool { _, channels := subscribed(t, client); return channels == 0 }, "nothing watched any more")
	require.NoError(t, s.Close())
	eventually(t, func() bool { connections, _ := subscribed(t, client); return connections == 0 }, "the connection ends")
}

// TestABrokenConnectionWakesEverybody ends the connection that watchers share: a
// message may have been lost with it.
func TestABrokenConnectionWakesEverybody(t *testing.T) {
	url, _ := testserver.PrivateRedis(t, "--appendfsync", "no")
	client, c := newClient(t, url), redisstore.Config{Prefix: newPrefix(), Recheck: time.Hour}
	s := newStore(t, client, c)
	r := mustCreate(t, s, "key", record("r"))
	for range 3 {
		woken := watching(t, s, "key", r.Version)
		eventually(t, func() bool { return subscribers(t, client, c.Prefix+"key") == 1 }, "it is watched")
		killed, err := client.ClientKillByFilter(context.Background(), "TYPE", "pubsub").Result()
		require.NoError(t, err)
		require.EqualValues(t, 1, killed)
		// It may be woken before its first look, and then says so with an error.
		if err := <-woken; err != nil {
			require.ErrorIs(t, err, store.ErrUnavailable)
		}
		// The client makes the connection again before it is told to end.
		eventually(t, func() bool { return subscribers(t, client, c.Prefix+"key") == 0 }, "it is watched no more")
	}
	woken := watching(t, s, "key", r.Version)
	eventually(t, func() bool { return subscribers(t, client, c.Prefix+"key") == 1 }, "it is watched again")
	mustReplace(t, s, "key", r.Version, record("next"))
	require.NoError(t, <-woken)
}

// scripts counts the scripts that a client has been answered.
type scripts struct{ answered atomic.Int64 }

func (h *scripts) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *scripts) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h *scripts) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if err == nil && strings.HasPrefix(cmd.Name(), "eval") {
			h.answered.Add(1)
		}
		return err
	}
}

// TestALostMessageIsMadeUpFor ends a version behind the scripts' backs, so that
// no message comes of it, when the watcher has had its look.
func TestALostMessageIsMadeUpFor(t *testing.T) {
	client, count := newClient(t, testserver.Redis(t)), &scripts{}
	client.AddHook(count)
	c := redisstore.Config{Prefix: newPrefix(), Recheck: 200 * time.Millisecond}
	s := newStore(t, client, c)
	r := mustCreate(t, s, "key", record("r"))
	before := count.answered.Load()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	woken := make(chan error, 1)
	go func() { woken <- s.Watch(ctx, "key", r.Version) }()
	eventually(t, func() bool { return count.answered.Load() > before }, "the watcher has looked")
	require.NoError(t, client.Del(context.Background(), c.Prefix+"key").Err())
	require.NoError(t, <-woken)
}

// TestASilentConnectionIsFoundOut pauses the server while somebody watches; the
// watcher's own look fails as well.
func TestASilentConnectionIsFoundOut(t *testing.T) {
	url, p := testserver.PrivateRedis(t, "--appendfsync", "no")
	client := newClient(t, url)
	c := redisstore.Config{Prefix: newPrefix(), CallTimeout: 300 * time.Millisecond, Recheck: 100 * time.Millisecond}
	s := newStore(t, client, c)
	r := mustCreate(t, s, "key", record("r"))
	woken := watching(t, s, "key", r.Version)
	eventually(t, func() bool { return subscribers(t, client, c.Prefix+"key") == 1 }, "it is watched")
	p.Pause(t)
	if err := <-woken; err != nil {
		require.ErrorIs(t, err, store.ErrUnavailable)
	}
	p.Continue(t)
	woken = watching(t, s, "key", r.Version)
	mustReplace(t, s, "key", r.Version, record("next"))
	require.NoError(t, <-woken)
}

// TestWatchersComeAndGo has many keys with one watcher each, who is woken and
// watches again at once. Some leave so late that the subscription was ended, and
// the next begun, by then: none of these may be forgotten.
func TestWatchersComeAndGo(t *testing.T) {
	const keys, rounds = 100, 40
	s := newStore(t, newClient(t, testserver.Redis(t)), redisstore.Config{Recheck: time.Hour})
	var versions [keys]atomic.Uint64
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var watchers, writers sync.WaitGroup
	for i := range keys {
		key := fmt.Sprint(i)
		versions[i].Store(mustCreate(t, s, key, record("r")).Version)
		watchers.Go(func() {
			for ctx.Err() == nil {
				if err := s.Watch(ctx, key, versions[i].Load()); err != nil && ctx.Err() == nil {
					t.Errorf("watcher of %s: %v", key, err)
				}
			}
		})
		writers.Go(func() {
			for range rounds {
				versions[i].Store(mustReplace(t, s, key, versions[i].Load(), record("next")).Version)
			}
		})
	}
	writers.Wait()
	cancel()
	watchers.Wait()
}

func TestWatchersAreBounded(t *testing.T) {
	client, c := newClient(t, testserver.Redis(t)), redisstore.Config{Prefix: newPrefix(), MaxWaiters: 2}
	s := newStore(t, client, c)
	r := mustCreate(t, s, "key", record("r"))
	other := mustCreate(t, s, "other", record("r"))
	first, second := watching(t, s, "key", r.Version), watching(t, s, "other", other.Version)
	eventually(t, func() bool {
		return subscribers(t, client, c.Prefix+"key")+subscribers(t, client, c.Prefix+"other") == 2
	}, "both are watched")
	require.ErrorIs(t, s.Watch(context.Background(), "key", r.Version), redisstore.ErrTooManyWaiters)
	mustReplace(t, s, "key", r.Version, record("next"))
	require.NoError(t, <-first)
	require.NoError(t, s.Watch(context.Background(), "key", r.Version), "there is a place again")
	require.NoError(t, s.Close())
	require.ErrorIs(t, <-second, store.ErrClosed)
}

// TestWatchersLeaveNothingBehind counts goroutines and subscriptions when all
// have left in every way there is, and before the store is closed.
func TestWatchersLeaveNothingBehind(t *testing.T) {
	url, _ := testserver.PrivateRedis(t, "--appendfsync", "no")
	client, c := newClient(t, url), redisstore.Config{Prefix: newPrefix(), Recheck: 20 * time.Millisecond}
	s := newStore(t, client, c)
	r := mustCreate(t, s, "key", record("r"))
	_, _ = subscribed(t, client) // the client's own connections and goroutines are there
	before := runtime.NumGoroutine()
	for i := range 50 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i%10)*time.Millisecond)
		if err := s.Watch(ctx, "key", r.Version); err != nil {
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		cancel()
	}
	eventually(t, func() bool { connections, _ := subscribed(t, client); return connections == 0 }, "an unused connection ends by itself")
	eventually(t, func() bool { return runtime.NumGoroutine() <= before }, "no goroutine is left")
}

// TestCloseDoesNotWaitForAServer closes a store whose watchers' connection is
// being made to a server that does not answer.
func TestCloseDoesNotWaitForAServer(t *testing.T) {
	url, p := testserver.PrivateRedis(t, "--appendfsync", "no")
	s := newStore(t, newClient(t, url, func(o *redis.Options) { o.ReadTimeout = 100 * time.Millisecond }), redisstore.Config{})
	p.Pause(t)
	defer p.Continue(t)
	woken := watching(t, s, "key", 1)
	require.NoError(t, s.Close())
	require.ErrorIs(t, <-woken, store.ErrClosed)
}

// slowly listens at an address of its own. The first connection that comes stays
// without a word; every other is passed on to the server, with replies that come
// late by the delay.
func slowly(t *testing.T, server string, silent int64, delay time.Duration) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var running sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	running.Go(func() {
		for n := int64(1); ; n++ {
			client, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, client)
			mu.Unlock()
			if n <= silent {
				continue
			}
			upstream, err := net.Dial("tcp", server)
			if err != nil {
				continue
			}
			mu.Lock()
			conns = append(conns, upstream)
			mu.Unlock()
			running.Go(func() { _, _ = io.Copy(upstream, client); _ = upstream.Close() })
			running.Go(func() {
				defer client.Close()
				buffer := make([]byte, 64<<10)
				for {
					n, err := upstream.Read(buffer)
					if err != nil {
						return
					}
					time.Sleep(delay)
					if _, err := client.Write(buffer[:n]); err != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range conns {
			_ = c.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return l.Addr().String()
}

// TestOneSilentConnectionStopsNoWatcher has the first connection be taken, and
// never answered. Whoever watches next gets another one.
func TestOneSilentConnectionStopsNoWatcher(t *testing.T) {
	o, err := redis.ParseURL(testserver.Redis(t))
	require.NoError(t, err)
	client := newClient(t, fmt.Sprintf("redis://%s/%d", slowly(t, o.Addr, 1, 0), o.DB), func(o *redis.Options) { o.ReadTimeout = time.Minute })
	s := newStore(t, client, redisstore.Config{CallTimeout: 200 * time.Millisecond})
	require.ErrorIs(t, s.Watch(context.Background(), "key", 1), store.ErrUnavailable)
	eventually(t, func() bool { return s.Watch(context.Background(), "key", 1) == nil }, "it can be watched")
}

// TestCloseIsBoundedWhereNobodyAnswers closes a store whose watchers' connection
// stays without a word.
func TestCloseIsBoundedWhereNobodyAnswers(t *testing.T) {
	client := newClient(t, "redis://"+slowly(t, "", 100, 0)+"/0", func(o *redis.Options) { o.ReadTimeout = 5 * time.Minute })
	s, err := redisstore.New(client, redisstore.Config{CallTimeout: 200 * time.Millisecond})
	require.NoError(t, err)
	require.ErrorIs(t, s.Watch(context.Background(), "key", 1), store.ErrUnavailable)
	woken := watching(t, s, "key", 1)
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	select {
	case err := <-closed:
		require.NoError(t, err)
	case <-time.After(testserver.Patience):
		require.Fail(t, "it waits for a server that says nothing")
	}
	require.Error(t, <-woken)
}

// TestWatchersOfADistantServer looks more often than a reply takes to come.
func TestWatchersOfADistantServer(t *testing.T) {
	o, err := redis.ParseURL(testserver.Redis(t))
	require.NoError(t, err)
	client := newClient(t, fmt.Sprintf("redis://%s/%d", slowly(t, o.Addr, 0, 60*time.Millisecond), o.DB))
	s := newStore(t, client, redisstore.Config{Recheck: redisstore.MinRecheck})
	r := mustCreate(t, s, "key", record("r"))
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	require.ErrorIs(t, s.Watch(ctx, "key", r.Version), context.DeadlineExceeded, "the connection holds")
}
