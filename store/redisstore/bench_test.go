//go:build unix

package redisstore_test

import (
	"context"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/concordhttp/concord/internal/testserver"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/redisstore"
)

// benchServer is one that waits for no disk, so that scripts are compared and
// not disks.
func benchServer(b *testing.B) *redis.Client {
	b.Helper()
	url, _ := testserver.PrivateRedis(b, "--appendonly", "no")
	return newClient(b, url)
}

// BenchmarkCreate is the winner's Create, in turn with the least that one script
// can do to keep the same bytes: EVALSHA of a single SET. What each took, at the
// median, and how many times the bare one Create took stand beside the time of
// both; a machine that is busy with something else is so for both alike.
func BenchmarkCreate(b *testing.B) {
	ctx, head, body := context.Background(), make([]byte, 60), make([]byte, 300)
	client := benchServer(b)
	s := newStore(b, client, redisstore.Config{Prefix: "create:"})
	sha, err := client.ScriptLoad(ctx, "return redis.call('SET', KEYS[1], ARGV[1] .. ARGV[2], 'PX', ARGV[3])").Result()
	if err != nil {
		b.Fatal(err)
	}
	var bare, create []time.Duration
	for i := 0; b.Loop(); i++ {
		key, began := strconv.Itoa(i), time.Now()
		if err := client.EvalSha(ctx, sha, []string{"simple:" + key}, head, body, 3_600_000).Err(); err != nil {
			b.Fatal(err)
		}
		between := time.Now()
		_, created, err := s.Create(ctx, key, store.Record{Head: head, Body: body, TTL: time.Hour})
		if err != nil || !created {
			b.Fatal(created, err)
		}
		bare, create = append(bare, between.Sub(began)), append(create, time.Since(between))
	}
	slices.Sort(bare)
	slices.Sort(create)
	one, other := bare[len(bare)/2], create[len(create)/2]
	b.ReportMetric(float64(one), "ns/bare")
	b.ReportMetric(float64(other), "ns/Create")
	b.ReportMetric(float64(other)/float64(one), "x-bare")
}

// BenchmarkReplace is a renewal, with somebody who watches and without.
func BenchmarkReplace(b *testing.B) {
	for _, watched := range []bool{false, true} {
		b.Run("watched="+strconv.FormatBool(watched), func(b *testing.B) {
			s := newStore(b, benchServer(b), redisstore.Config{})
			r := mustCreate(b, s, "key", record("r"))
			var version atomic.Uint64
			version.Store(r.Version)
			if watched {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				go func() {
					for ctx.Err() == nil {
						_ = s.Watch(ctx, "key", version.Load())
					}
				}()
			}
			b.ReportAllocs()
			for b.Loop() {
				r = mustReplace(b, s, "key", r.Version, record("r"))
				version.Store(r.Version)
			}
		})
	}
}

// BenchmarkReplay is the read of an outcome, beside a bare GET of as many bytes.
func BenchmarkReplay(b *testing.B) {
	client, ctx := benchServer(b), context.Background()
	s := newStore(b, client, redisstore.Config{})
	mustCreate(b, s, "key", store.Record{Head: make([]byte, 60), Body: make([]byte, 1000), TTL: time.Hour})
	b.Run("bare GET", func(b *testing.B) {
		if err := client.Set(ctx, "bare", make([]byte, 1088), time.Hour).Err(); err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if err := client.Get(ctx, "bare").Err(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Get", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, found, err := s.Get(ctx, "key"); err != nil || !found {
				b.Fatal(found, err)
			}
		}
	})
}
