package servertest

import (
	"net"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// Patience is how long a server may take to be ready, and a cluster to find a
// leader.
const Patience = 30 * time.Second

// Server is a server in this process. It is used by one goroutine at a time.
type Server struct {
	options server.Options
	running *server.Server
}

// Start starts a server with JetStream that keeps its files in a folder of the
// test's and ends with it. Configure may change its options before.
func Start(t testing.TB, configure ...func(*server.Options)) *Server {
	t.Helper()
	s := &Server{options: server.Options{
		Host: "127.0.0.1", Port: freePort(t),
		JetStream: true, StoreDir: t.TempDir(),
		NoLog: true, NoSigs: true,
	}}
	for _, change := range configure {
		change(&s.options)
	}
	t.Cleanup(s.Stop)
	s.Start(t)
	return s
}

// Start starts a server again that was stopped, at its address and with its
// files.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.begin(t)
	s.await(t)
}

func (s *Server) begin(t testing.TB) {
	t.Helper()
	options := s.options // the server writes to its own
	running, err := server.NewServer(&options)
	if err != nil {
		t.Fatalf("servertest: %v", err)
	}
	s.running = running
	go running.Start()
}

func (s *Server) await(t testing.TB) {
	t.Helper()
	if !s.running.ReadyForConnections(Patience) {
		t.Fatalf("servertest: the server at %s is not ready after %v", s.URL(), Patience)
	}
}

// Stop stops the server, if it runs, and waits until it has stopped.
func (s *Server) Stop() {
	if s.running == nil {
		return
	}
	s.running.Shutdown()
	s.running.WaitForShutdown()
	s.running = nil
}

// URL is where clients connect.
func (s *Server) URL() string {
	return "nats://" + net.JoinHostPort(s.options.Host, strconv.Itoa(s.options.Port))
}

// Leads reports whether the server runs and leads a stream of the global
// account.
func (s *Server) Leads(stream string) bool {
	return s.running != nil && s.running.JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, stream)
}

// StartCluster starts n servers that know each other and waits until they have
// a leader.
func StartCluster(t testing.TB, n int) []*Server {
	t.Helper()
	var routes []*url.URL
	ports := make([]int, n)
	for i := range ports {
		ports[i] = freePort(t)
		routes = append(routes, &url.URL{Scheme: "nats-route", Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[i]))})
	}
	servers := make([]*Server, n)
	for i := range servers {
		servers[i] = &Server{options: server.Options{
			ServerName: "node" + strconv.Itoa(i), Host: "127.0.0.1", Port: freePort(t),
			JetStream: true, StoreDir: t.TempDir(),
			Cluster: server.ClusterOpts{Name: "concord", Host: "127.0.0.1", Port: ports[i]},
			Routes:  routes,
			NoLog:   true, NoSigs: true,
		}}
		t.Cleanup(servers[i].Stop)
		servers[i].begin(t)
	}
	awaitLeader(t, servers)
	return servers
}

// awaitLeader waits until all servers are ready and agree on a leader.
func awaitLeader(t testing.TB, servers []*Server) {
	t.Helper()
	for _, s := range servers {
		s.await(t)
	}
	for deadline := time.Now().Add(Patience); ; time.Sleep(20 * time.Millisecond) {
		for _, s := range servers {
			if s.running.JetStreamIsLeader() && len(s.running.JetStreamClusterPeers()) == len(servers) {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("servertest: no leader of the cluster after %v", Patience)
		}
	}
}

// Connect connects to the servers as the README of natsstore says, and closes
// the connection with the test.
func Connect(t testing.TB, servers ...*Server) *nats.Conn {
	t.Helper()
	var urls string
	for _, s := range servers {
		urls += "," + s.URL()
	}
	return ConnectURL(t, urls[1:])
}

// ConnectURL is Connect to servers elsewhere.
func ConnectURL(t testing.TB, urls string, options ...nats.Option) *nats.Conn {
	t.Helper()
	conn, err := nats.Connect(urls, append([]nats.Option{
		nats.ReconnectBufSize(-1), nats.MaxReconnects(-1), nats.ReconnectWait(20 * time.Millisecond),
		nats.ReconnectJitter(0, 0), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
	}, options...)...)
	if err != nil {
		t.Fatalf("servertest: %v", err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// freePort returns a port of the loopback that was free a moment ago.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("servertest: %v", err)
	}
	defer func() { _ = l.Close() }()    // it is only the number that is wanted
	return l.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // a TCP listener has one
}
