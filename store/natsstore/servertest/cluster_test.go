package servertest

import (
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/natsstore"
)

// leader waits for the server that leads the stream of a bucket.
func leader(t *testing.T, servers []*Server, bucket string) int {
	t.Helper()
	for deadline := time.Now().Add(Patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		for i, s := range servers {
			if s.Leads("KV_" + bucket) {
				return i
			}
		}
	}
	require.FailNow(t, "nobody leads")
	return 0
}

// TestServersStopUnderLoad stops each of three servers in turn, the leader first,
// and starts it again, while clients write. No write that was acknowledged is
// lost, and none is done twice.
func TestServersStopUnderLoad(t *testing.T) {
	t.Parallel()
	servers := StartCluster(t, 3)
	s, name := openNamed(t, natsstore.Config{Conn: Connect(t, servers...), Replicas: 3})
	settle := counting(t, s, func() natsstore.Config {
		return natsstore.Config{Conn: Connect(t, servers...), Bucket: name, Replicas: 3, Timeout: time.Second}
	})
	began := time.Now()
	for range 3 {
		at := leader(t, servers, name)
		t.Logf("%v: node %d leads and is stopped", time.Since(began), at)
		time.Sleep(300 * time.Millisecond) // under load
		servers[at].Stop()
		next := leader(t, servers, name)
		require.NotEqual(t, at, next)
		t.Logf("%v: node %d leads", time.Since(began), next)
		time.Sleep(300 * time.Millisecond)
		servers[at].Start(t)
		require.Eventually(t, func() bool {
			return servers[at].running.JetStreamIsCurrent() && servers[at].running.JetStreamIsStreamCurrent(server.DEFAULT_GLOBAL_ACCOUNT, "KV_"+name)
		}, Patience, 10*time.Millisecond)
	}
	settle()
}

// startCut starts three servers whose ways to each other can be cut: cut(i) parts
// server i from the others.
func startCut(t *testing.T) (servers []*Server, cut func(i int, on bool)) {
	t.Helper()
	ways := map[[2]int]*wire{}
	for i := range 3 {
		servers = append(servers, &Server{options: server.Options{
			ServerName: "node" + strconv.Itoa(i), Host: "127.0.0.1", Port: freePort(t),
			JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true,
			// Nobody listens at what it tells others of itself, so that they come by
			// the ways that are given to them.
			Cluster: server.ClusterOpts{Name: "cut", Host: "127.0.0.1", Port: freePort(t), Advertise: "127.0.0.1:1", PoolSize: -1},
		}})
	}
	for i, from := range servers {
		for j := range servers {
			if i == j {
				continue
			}
			to := net.JoinHostPort("127.0.0.1", strconv.Itoa(servers[j].options.Cluster.Port))
			ways[[2]int{i, j}] = proxyTo(t, to)
			from.options.Routes = append(from.options.Routes, &url.URL{Scheme: "nats-route", Host: ways[[2]int{i, j}].Addr().String()})
		}
	}
	for _, s := range servers {
		t.Cleanup(s.Stop)
		s.begin(t)
	}
	awaitLeader(t, servers)
	return servers, func(i int, on bool) {
		for ends, way := range ways {
			if ends[0] == i || ends[1] == i {
				way.silence(on)
			}
		}
	}
}

// TestALeaderThatWasCutOff answers reads for a while as if nothing had happened
// since, but no write succeeds by it, and a store that has seen more takes no
// answer from it.
func TestALeaderThatWasCutOff(t *testing.T) {
	t.Parallel()
	servers, cut := startCut(t)
	seed, name := openNamed(t, natsstore.Config{Conn: Connect(t, servers...), Replicas: 3})
	r, _, err := seed.Create(t.Context(), "key", record("first", time.Hour))
	require.NoError(t, err)
	old := leader(t, servers, name)
	addr := func(i int) string { return strings.TrimPrefix(servers[i].URL(), "nats://") }
	at := func(i int) (*natsstore.Store, *wire, *nats.Conn) {
		way := proxyTo(t, addr(i))
		conn := ConnectURL(t, way.url(), nats.IgnoreDiscoveredServers())
		s, err := natsstore.New(natsstore.Config{Conn: conn, Bucket: name, Timeout: 500 * time.Millisecond})
		require.NoError(t, err)
		return s, way, conn
	}
	behind, _, _ := at(old)
	ahead, way, conn := at((old + 1) % 3)
	_, _, err = behind.Get(t.Context(), "key")
	require.NoError(t, err)

	cut(old, true)
	var next, lock store.Record
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		now, replaced, err := ahead.Replace(t.Context(), "key", r.Version, record("second", time.Hour))
		require.NoError(c, err)
		require.True(c, replaced || string(now.Head) == "second")
		next = now
		lock, replaced, err = ahead.Create(t.Context(), "lock", record("owner", time.Hour))
		require.NoError(c, err)
		require.True(c, replaced || string(lock.Head) == "owner")
	}, Patience, 50*time.Millisecond)

	way.lead(addr(old))
	require.Eventually(t, func() bool { return conn.Stats().Reconnects > 0 && conn.IsConnected() }, Patience, time.Millisecond)
	shown, _, err := ahead.Get(t.Context(), "key")
	require.ErrorIs(t, err, store.ErrUnavailable, "it knows better than %q", shown.Head)
	t.Logf("refused: %v", err)
	shown, replaced, err := ahead.Replace(t.Context(), "key", next.Version, record("third", time.Hour))
	require.ErrorIs(t, err, store.ErrUnavailable, "it holds that very version: %v, %q", replaced, shown.Head)
	shown, _, err = ahead.Get(t.Context(), "key")
	require.ErrorIs(t, err, store.ErrUnavailable, "a write that failed has it forget nothing: %q", shown.Head)
	_, found, err := ahead.Get(t.Context(), "lock")
	require.ErrorIs(t, err, store.ErrUnavailable, "it knows that there is one: %v", found)
	deleted, err := ahead.Delete(t.Context(), "lock", lock.Version)
	require.ErrorIs(t, err, store.ErrUnavailable, "it owns it: %v", deleted)

	// What the store at the old leader is told is the past, or nothing; it cannot
	// act on it.
	shown, found, err = behind.Get(t.Context(), "key")
	t.Logf("a read from the leader that was cut off: %q, %v, %v", shown.Head, found, err)
	if err == nil {
		require.True(t, found)
		require.Equal(t, r.Version, shown.Version)
	} else {
		require.ErrorIs(t, err, store.ErrUnavailable)
	}
	_, replaced, err = behind.Replace(t.Context(), "key", r.Version, record("lost", time.Hour))
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.False(t, replaced)
	_, created, err := behind.Create(t.Context(), "other", record("lost", time.Hour))
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.False(t, created)

	cut(old, false)
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		shown, found, err := behind.Get(t.Context(), "key")
		require.NoError(c, err)
		require.True(c, found)
		require.Equal(c, next.Version, shown.Version)
	}, Patience, 50*time.Millisecond)
	require.Equal(t, "second", string(next.Head))
}
