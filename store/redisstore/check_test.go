//go:build unix

package redisstore_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/internal/testserver"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/redisstore"
)

func TestCheck(t *testing.T) {
	const all, records = "~* &* +@all", "on nopass ~* &* +evalsha +eval +time +get +set +publish +subscribe"
	for name, row := range map[string]struct {
		server []string
		user   string // its permissions; none: the one who may do anything
		want   []error
	}{
		"a server that keeps everything":    {},
		"one that saves from time to time":  {server: []string{"--appendonly", "no", "--save", "60 1"}},
		"one that keeps nothing":            {server: []string{"--appendonly", "no"}, want: []error{redisstore.ErrForgets}},
		"one that evicts":                   {server: []string{"--maxmemory-policy", "allkeys-lru"}, want: []error{redisstore.ErrEvicts}},
		"one that evicts what has a TTL":    {server: []string{"--maxmemory-policy", "volatile-ttl"}, want: []error{redisstore.ErrEvicts}},
		"one that does both":                {server: []string{"--maxmemory-policy", "allkeys-lru", "--appendonly", "no"}, want: []error{redisstore.ErrEvicts, redisstore.ErrForgets}},
		"no CONFIG, and all is well":        {user: "on nopass " + all + " -config"},
		"no CONFIG, and it evicts":          {user: "on nopass " + all + " -config", server: []string{"--maxmemory-policy", "allkeys-lru"}, want: []error{redisstore.ErrEvicts}},
		"no CONFIG, and no append file":     {user: "on nopass " + all + " -config", server: []string{"--appendonly", "no"}, want: []error{redisstore.ErrUncertain}},
		"no CONFIG and no INFO":             {user: "on nopass " + all + " -config -info", want: []error{redisstore.ErrUncertain}},
		"just what the store itself needs":  {user: records, want: []error{redisstore.ErrUncertain}},
		"no INFO, but CONFIG":               {user: "on nopass " + all + " -info"},
		"no INFO, but CONFIG, and it loses": {user: "on nopass " + all + " -info", server: []string{"--appendonly", "no"}, want: []error{redisstore.ErrForgets}},
	} {
		t.Run(name, func(t *testing.T) {
			url, _ := testserver.PrivateRedis(t, append([]string{"--appendfsync", "no"}, row.server...)...)
			if row.user != "" {
				admin := newClient(t, url)
				require.NoError(t, admin.Do(context.Background(), aclSetUser("shop", row.user)...).Err())
			}
			s := newStore(t, newClient(t, url, func(o *redis.Options) {
				if row.user != "" {
					o.Username, o.Password = "shop", "any"
				}
			}), redisstore.Config{})
			err := s.Check(context.Background())
			if len(row.want) == 0 {
				require.NoError(t, err)
			}
			for _, every := range []error{redisstore.ErrEvicts, redisstore.ErrForgets, redisstore.ErrUncertain} {
				assert.Equal(t, slices.Contains(row.want, every), errors.Is(err, every), "%v in %v", every, err)
			}
			var setting *redisstore.SettingError
			assert.Equal(t, len(row.want) > 0, errors.As(err, &setting))
			mustCreate(t, s, "key", record("whatever Check says, the store works"))
		})
	}
}

func TestCheckOfAServerThatIsNotThere(t *testing.T) {
	url, p := testserver.PrivateRedis(t, "--appendfsync", "no")
	s := newStore(t, newClient(t, url), redisstore.Config{CallTimeout: time.Second})
	require.NoError(t, s.Check(context.Background()))
	p.Kill(t)
	require.ErrorIs(t, s.Check(context.Background()), store.ErrUnavailable)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, s.Check(ended), context.Canceled)
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.Check(context.Background()), store.ErrClosed)
}
