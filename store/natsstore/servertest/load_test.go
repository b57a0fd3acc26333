package servertest

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/natsstore"
)

// tally is how often each worker has counted, in the head of one record.
const workers = 4

func tally(head []byte, worker int) uint64 { return binary.BigEndian.Uint64(head[8*worker:]) }

func counted(head []byte, worker int) []byte {
	next := append([]byte(nil), head...)
	binary.BigEndian.PutUint64(next[8*worker:], tally(head, worker)+1)
	return next
}

// count adds one to a worker's tally, and tries until it knows that it has: when
// it gets no answer it looks, and writes again over exactly what it saw.
func count(ctx context.Context, s *natsstore.Store, worker int, want uint64, last *uint64) error {
	for {
		r, found, err := s.Get(ctx, "tally")
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			continue
		}
		if !found || tally(r.Head, worker) < want-1 {
			return fmt.Errorf("worker %d has counted to %d, and finds %v", worker, want-1, r.Head)
		}
		if r.Version < *last {
			return fmt.Errorf("version %d, after %d was seen", r.Version, *last)
		}
		if *last = r.Version; tally(r.Head, worker) == want {
			return nil
		}
		next, replaced, err := s.Replace(ctx, "tally", r.Version, store.Record{Head: counted(r.Head, worker), TTL: time.Hour})
		if err == nil && replaced {
			*last = next.Version
			return nil
		}
	}
}

// counting has workers count, each with a store of its own, until settle is
// called, which checks that the record has counted what the workers have: no
// write that was acknowledged was lost, and none was done twice.
func counting(t *testing.T, s *natsstore.Store, config func() natsstore.Config) (settle func()) {
	t.Helper()
	_, created, err := s.Create(t.Context(), "tally", store.Record{Head: make([]byte, 8*workers), TTL: time.Hour})
	require.NoError(t, err)
	require.True(t, created)
	ctx, cancel := context.WithTimeout(t.Context(), 2*Patience)
	enough := make(chan struct{})
	var counts [workers]uint64
	var all sync.WaitGroup
	for worker := range workers {
		own, err := natsstore.New(config())
		require.NoError(t, err)
		all.Go(func() {
			for last := uint64(0); ; counts[worker]++ {
				select {
				case <-enough:
					return
				default:
				}
				if err := count(ctx, own, worker, counts[worker]+1, &last); !assert.NoError(t, err) {
					return
				}
			}
		})
	}
	return func() {
		t.Helper()
		close(enough)
		all.Wait()
		cancel()
		r, found, err := s.Get(t.Context(), "tally")
		require.NoError(t, err)
		require.True(t, found)
		for worker, n := range counts {
			assert.Equal(t, n, tally(r.Head, worker), "worker %d", worker)
			assert.Positive(t, n)
		}
		t.Logf("counted: %v", counts)
	}
}
