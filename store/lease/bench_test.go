package lease_test

import (
	"context"
	"crypto/sha256"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/lease"
	"github.com/concordhttp/concord/store/memory"
)

// pass enters and leaves once.
func pass(b *testing.B, ctx context.Context, g *lease.Gate, resource string) { //nolint:revive // b comes first, as in any function that may fail a benchmark
	l, err := g.Enter(ctx, resource)
	if err != nil {
		b.Error(err)
		return
	}
	if err := l.Release(ctx); err != nil {
		b.Error(err)
	}
}

func benchmarkGate(b *testing.B) *lease.Gate {
	g, err := lease.NewGate(lease.GateConfig{Store: memory.New(memory.Config{}), Wait: time.Minute})
	require.NoError(b, err)
	b.ReportAllocs()
	return g
}

func BenchmarkGate(b *testing.B) {
	ctx := context.Background()
	b.Run("serial", func(b *testing.B) {
		g := benchmarkGate(b)
		for b.Loop() {
			pass(b, ctx, g, "/documents/1")
		}
	})
	b.Run("parallel, resources of their own", func(b *testing.B) {
		g := benchmarkGate(b)
		var n atomic.Int64
		b.RunParallel(func(p *testing.PB) {
			resource := "/documents/" + strconv.FormatInt(n.Add(1), 10)
			for p.Next() {
				pass(b, ctx, g, resource)
			}
		})
	})
	b.Run("parallel, one resource", func(b *testing.B) {
		g := benchmarkGate(b)
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				pass(b, ctx, g, "/documents/1")
			}
		})
	})
	b.Run("serial, while 1000 others are inside", func(b *testing.B) {
		g := benchmarkGate(b)
		for i := range 1000 {
			l, err := g.Enter(ctx, strconv.Itoa(i))
			require.NoError(b, err)
			b.Cleanup(func() { _ = l.Release(ctx) })
		}
		for b.Loop() {
			pass(b, ctx, g, "/documents/1")
		}
	})
	b.Run("borrowed", func(b *testing.B) {
		g := benchmarkGate(b)
		l, err := g.Enter(ctx, "/documents/1")
		require.NoError(b, err)
		for b.Loop() {
			pass(b, l, g, "/documents/1")
		}
		require.NoError(b, l.Release(ctx))
	})
}

func BenchmarkClaimAndSettle(b *testing.B) {
	s := memory.New(memory.Config{})
	k, err := lease.New(lease.Config{Store: s})
	require.NoError(b, err)
	ctx, note := context.Background(), make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		l, _, err := k.Try(ctx, "key", lease.Claim{Note: note, TTL: day})
		if err != nil || l == nil {
			b.Fatal(err)
		}
		settled, err := l.Settle(ctx, note, nil, day)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Delete(ctx, "key", settled.Record.Version); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLimit is what a gate cannot be faster than: one create and delete of
// the store, and the digest of a key.
func BenchmarkLimit(b *testing.B) {
	s := memory.New(memory.Config{})
	ctx, head, resource := context.Background(), make([]byte, 26), make([]byte, 42)
	b.ReportAllocs()
	for b.Loop() {
		sum := sha256.Sum256(resource)
		key := string(sum[:])
		r, _, err := s.Create(ctx, key, store.Record{Head: head, TTL: time.Minute})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Delete(ctx, key, r.Version); err != nil {
			b.Fatal(err)
		}
	}
}
