package redisstore_test

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/redisstore"
)

// nowhere is a client that connects to nothing, since nothing is asked of it.
func nowhere(t *testing.T, timely bool, reads ...time.Duration) *redis.Client {
	t.Helper()
	o := &redis.Options{Addr: "127.0.0.1:0", ContextTimeoutEnabled: timely}
	for _, o.ReadTimeout = range reads {
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestEveryMistakeIsReportedAtOnce(t *testing.T) {
	_, err := redisstore.New(nil, redisstore.Config{
		Prefix: strings.Repeat("p", redisstore.MaxPrefix+1), CallTimeout: -1, MaxBody: -1,
		MaxWaiters: -1, Recheck: -1, Replicas: -1, ReplicaTimeout: time.Hour,
	})
	for _, field := range []string{"client", "Prefix", "CallTimeout", "MaxBody", "MaxWaiters", "Recheck", "Replicas"} {
		assert.ErrorContains(t, err, "config: "+field)
	}
	var mistake *store.ConfigError
	require.ErrorAs(t, err, &mistake)

	_, err = redisstore.New(nowhere(t, true), redisstore.Config{CallTimeout: time.Second, ReplicaTimeout: time.Second})
	require.ErrorContains(t, err, "config: ReplicaTimeout")
	_, err = redisstore.New(nowhere(t, true), redisstore.Config{Recheck: redisstore.MinRecheck - 1})
	require.ErrorContains(t, err, "config: Recheck")
}

func TestClientsThatCannotKeepTheContractAreRefused(t *testing.T) {
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": "127.0.0.1:0"}, ContextTimeoutEnabled: true})
	defer ring.Close()
	cluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:0"}})
	defer cluster.Close()
	timely := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:0"}, ContextTimeoutEnabled: true})
	defer timely.Close()
	patient := nowhere(t, true, -1)
	patientCluster := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: []string{"127.0.0.1:0"}, ContextTimeoutEnabled: true, ReadTimeout: -1,
	})
	defer patientCluster.Close()
	for name, row := range map[string]struct {
		client redis.UniversalClient
		config redisstore.Config
		want   string
	}{
		"none":                                    {nil, redisstore.Config{}, "client: is required"},
		"a nil one":                               {(*redis.Client)(nil), redisstore.Config{}, "client: is required"},
		"a ring":                                  {ring, redisstore.Config{}, "moves keys"},
		"one that does not mind deadlines":        {nowhere(t, false), redisstore.Config{}, "ContextTimeoutEnabled"},
		"a cluster that does not mind deadlines":  {cluster, redisstore.Config{}, "ContextTimeoutEnabled"},
		"one that waits for ever":                 {patient, redisstore.Config{}, "ReadTimeout"},
		"one that sets no deadlines":              {nowhere(t, true, -2), redisstore.Config{}, "ReadTimeout"},
		"a cluster that waits for ever":           {patientCluster, redisstore.Config{}, "ReadTimeout"},
		"a cluster that is to wait for replicas":  {timely, redisstore.Config{Replicas: 1}, "Replicas"},
		"another one that is to wait for as many": {struct{ *redis.Client }{nowhere(t, true)}, redisstore.Config{Replicas: 1}, "Replicas"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := redisstore.New(row.client, row.config)
			require.ErrorContains(t, err, row.want)
			assert.Nil(t, s)
			var mistake *store.ConfigError
			assert.ErrorAs(t, err, &mistake)
		})
	}
	_, err := redisstore.New(nowhere(t, true), redisstore.Config{})
	require.NoError(t, err)
	_, err = redisstore.New(timely, redisstore.Config{})
	require.NoError(t, err)
}
