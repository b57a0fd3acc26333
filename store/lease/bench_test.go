package lease_test

import (
	"context"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/lease"
	"github.com/concordhttp/concord/store/memory"
)

func BenchmarkGate(b *testing.B) {
	g, err := lease.NewGate(lease.GateConfig{Store: memory.New(memory.Config{})})
	require.NoError(b, err)
	b.ReportAllocs()
	ctx := context.Background()
	for b.Loop() {
		l, err := g.Enter(ctx, "/documents/1")
		if err != nil {
			b.Fatal(err)
		}
		if err := l.Release(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMemoryPair(b *testing.B) {
	s := memory.New(memory.Config{})
	b.ReportAllocs()
	ctx := context.Background()
	h := make([]byte, 40)
	for b.Loop() {
		r, _, _ := s.Create(ctx, "0123456789012345678901234567890123456789", store.Record{Head: h, TTL: time.Minute})
		s.Delete(ctx, "0123456789012345678901234567890123456789", r.Version)
	}
}

func BenchmarkSHA1K(b *testing.B) {
	x := make([]byte, 1024)
	for b.Loop() {
		_ = sha256.Sum256(x)
	}
}
