package memory_test

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/memory"
)

// crowded returns a store with a thousand records that live longer than the
// benchmark, so that heap and map have some depth.
func crowded(b *testing.B) *memory.Store {
	b.Helper()
	s := memory.New(memory.Config{})
	for i := range 1000 {
		_, _, err := s.Create(context.Background(), "standing "+strconv.Itoa(i), store.Record{Head: make([]byte, 40), TTL: time.Hour})
		if err != nil {
			b.Fatal(err)
		}
	}
	return s
}

// one runs step in one goroutine, and then in as many as there are processors.
func one(b *testing.B, step func(s *memory.Store, key string) error) {
	b.Helper()
	b.Run("serial", func(b *testing.B) {
		s := crowded(b)
		b.ReportAllocs()
		for b.Loop() {
			if err := step(s, "0123456789abcdef0123456789abcdef"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		s := crowded(b)
		var workers atomic.Int64
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			key := fmt.Sprintf("%032d", workers.Add(1))
			for pb.Next() {
				if err := step(s, key); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

// BenchmarkCreateDelete is a short claim: taken, and freed at once.
func BenchmarkCreateDelete(b *testing.B) {
	head := make([]byte, 40)
	one(b, func(s *memory.Store, key string) error {
		standing, _, err := s.Create(context.Background(), key, store.Record{Head: head, TTL: 30 * time.Second})
		if err != nil {
			return err
		}
		_, err = s.Delete(context.Background(), key, standing.Version)
		return err
	})
}

// BenchmarkCreateReplaceWithBody is a claim that becomes an outcome, and is
// removed so that the next round can begin.
func BenchmarkCreateReplaceWithBody(b *testing.B) {
	head, body := make([]byte, 40), make([]byte, 1<<10)
	one(b, func(s *memory.Store, key string) error {
		claim, _, err := s.Create(context.Background(), key, store.Record{Head: head, TTL: time.Minute})
		if err != nil {
			return err
		}
		outcome, _, err := s.Replace(context.Background(), key, claim.Version, store.Record{Head: head, Body: body, TTL: time.Hour})
		if err != nil {
			return err
		}
		_, err = s.Delete(context.Background(), key, outcome.Version)
		return err
	})
}

// BenchmarkGet is the look at a record without a body.
func BenchmarkGet(b *testing.B) {
	one(b, func(s *memory.Store, _ string) error {
		_, _, err := s.Get(context.Background(), "standing 1")
		return err
	})
}

// BenchmarkGetMissing is the look that finds nothing.
func BenchmarkGetMissing(b *testing.B) {
	one(b, func(s *memory.Store, key string) error {
		_, _, err := s.Get(context.Background(), key)
		return err
	})
}

// BenchmarkGetWithBody is a replay.
func BenchmarkGetWithBody(b *testing.B) {
	b.ReportAllocs()
	s := crowded(b)
	_, _, err := s.Create(context.Background(), "replayed", store.Record{Body: make([]byte, 1<<10), TTL: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, _, err := s.Get(context.Background(), "replayed"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReplaceUnderPressure writes bodies into a store that has room for a
// quarter of them, so that each one drops another.
func BenchmarkReplaceUnderPressure(b *testing.B) {
	b.ReportAllocs()
	const records = 4 << 10
	s := memory.New(memory.Config{MaxBodyBytes: 1 << 20})
	r := store.Record{Body: make([]byte, 1<<10), TTL: time.Hour}
	versions := make([]uint64, records)
	keys := make([]string, records)
	for i := range keys {
		keys[i] = strconv.Itoa(i)
		standing, _, err := s.Create(context.Background(), keys[i], r)
		if err != nil {
			b.Fatal(err)
		}
		versions[i] = standing.Version
	}
	for i := 0; b.Loop(); i = (i + 1) % records {
		standing, replaced, err := s.Replace(context.Background(), keys[i], versions[i], r)
		if err != nil || !replaced {
			b.Fatal(replaced, err)
		}
		versions[i] = standing.Version
	}
}
