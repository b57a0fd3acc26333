package memory_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/memory"
)

func create(t *testing.T, s store.Store, key string, bodyBytes int) store.Record {
	t.Helper()
	r, created, err := s.Create(t.Context(), key, store.Record{Body: make([]byte, bodyBytes), TTL: time.Hour})
	require.NoError(t, err)
	require.True(t, created)
	return r
}

func get(t *testing.T, s store.Store, key string) store.Record {
	t.Helper()
	r, found, err := s.Get(t.Context(), key)
	require.NoError(t, err)
	require.True(t, found)
	return r
}

func TestVersionsNeverFallBehindTheClockInMicroseconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New(memory.Config{})
		for i := range 100 {
			r := create(t, s, fmt.Sprint(i), 0)
			require.GreaterOrEqual(t, r.Version, uint64(time.Now().UnixMicro()))
			time.Sleep(time.Duration(i) * time.Microsecond)
		}
	})
}

func TestOneBodyMayTakeAllTheRoom(t *testing.T) {
	s := memory.New(memory.Config{MaxBodyBytes: 1 << 10, Shards: 32})
	for i := range 8 {
		create(t, s, fmt.Sprint(i), 100)
	}
	assert.False(t, create(t, s, "as large as all the room", 1<<10).Dropped)
	assert.Len(t, get(t, s, "as large as all the room").Body, 1<<10)
	for i := range 8 {
		assert.True(t, get(t, s, fmt.Sprint(i)).Dropped, "it had to make room")
	}
	assert.True(t, create(t, s, "larger than all the room", 1<<10+1).Dropped)
	assert.Len(t, get(t, s, "as large as all the room").Body, 1<<10, "what cannot be kept drops nothing else")
}

func TestTheLeastRecentlyUsedBodyGoesFirst(t *testing.T) {
	s := memory.New(memory.Config{MaxBodyBytes: 300, Shards: 1})
	first := create(t, s, "first", 100)
	create(t, s, "second", 100)
	create(t, s, "third", 100)
	_ = get(t, s, "first")   // a replay is a use
	create(t, s, "lost", 50) // drops the second
	assert.True(t, get(t, s, "second").Dropped)
	assert.False(t, get(t, s, "first").Dropped)
	assert.False(t, get(t, s, "third").Dropped)

	r, replaced, err := s.Replace(t.Context(), "first", first.Version, store.Record{Body: make([]byte, 150), TTL: time.Hour})
	require.NoError(t, err)
	require.True(t, replaced)
	assert.False(t, r.Dropped, "300 fit")
	assert.False(t, get(t, s, "third").Dropped)
}

// TestExpiredBodiesGoBeforeLiveOnes has some of both in every shard, the live
// ones older, and makes room for more than the write's own shard gives back.
func TestExpiredBodiesGoBeforeLiveOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const each = 256
		s := memory.New(memory.Config{MaxBodyBytes: 2 * each * 10, Shards: 8})
		for i := range each {
			create(t, s, fmt.Sprint("live ", i), 10)
		}
		for i := range each {
			_, _, err := s.Create(t.Context(), fmt.Sprint("expires ", i), store.Record{Body: make([]byte, 10), TTL: time.Second})
			require.NoError(t, err)
		}
		time.Sleep(time.Second)
		create(t, s, "next", 60)
		for i := range each {
			require.False(t, get(t, s, fmt.Sprint("live ", i)).Dropped, "what has expired is of no use any more")
		}
	})
}

// TestTheLimitOfRecordsIsExact lets more goroutines create than there is room
// for, over all shards.
func TestTheLimitOfRecordsIsExact(t *testing.T) {
	const limit, creators = 100, 8
	s := memory.New(memory.Config{MaxRecords: limit})
	var created, full atomic.Int64
	var running sync.WaitGroup
	for i := range creators {
		running.Go(func() {
			for j := range limit {
				_, ok, err := s.Create(context.Background(), fmt.Sprint(i, j), store.Record{TTL: time.Hour})
				switch {
				case ok:
					created.Add(1)
				case errors.Is(err, store.ErrFull):
					full.Add(1)
				}
			}
		})
	}
	running.Wait()
	assert.EqualValues(t, limit, created.Load())
	assert.EqualValues(t, limit*creators-limit, full.Load())
}

func TestAFullStoreTakesBackWhatExpiredInAnyShard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New(memory.Config{MaxRecords: 8, Shards: 64})
		for i := range 8 {
			_, _, err := s.Create(t.Context(), fmt.Sprint("old ", i), store.Record{TTL: time.Second})
			require.NoError(t, err)
		}
		_, _, err := s.Create(t.Context(), "too early", store.Record{TTL: time.Second})
		require.ErrorIs(t, err, store.ErrFull)
		time.Sleep(time.Second)
		for i := range 8 {
			create(t, s, fmt.Sprint("new ", i), 0)
		}
	})
}

func TestSweepCountsWhatItRemoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New(memory.Config{Shards: 2})
		for i := range 1000 {
			_, _, err := s.Create(t.Context(), fmt.Sprint(i), store.Record{TTL: time.Duration(i%2+1) * time.Minute})
			require.NoError(t, err)
		}
		sweep := func() int {
			removed, err := s.Sweep(t.Context())
			require.NoError(t, err)
			return removed
		}
		assert.Zero(t, sweep(), "nothing has expired")
		time.Sleep(time.Minute)
		assert.Equal(t, 500, sweep())
		assert.Zero(t, sweep(), "nothing is left to remove")
		time.Sleep(time.Minute)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.Sweep(ended)
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, 500, sweep())
	})
}

func TestAReadersAppendIsNobodyElsesBusiness(t *testing.T) {
	s := memory.New(memory.Config{})
	array := []byte("head|tail")
	_, _, err := s.Create(t.Context(), "k", store.Record{Head: array[:4], Body: array[:4], TTL: time.Hour})
	require.NoError(t, err)
	r := get(t, s, "k")
	_, _ = append(r.Head, "XXXXX"...), append(r.Body, "XXXXX"...)
	assert.Equal(t, "head|tail", string(array))
}

func TestCloseUnderLoad(t *testing.T) {
	s := memory.New(memory.Config{})
	started := make(chan struct{})
	var once sync.Once
	var running sync.WaitGroup
	for i := range 4 {
		running.Go(func() {
			for j := 0; ; j++ {
				_, _, err := s.Create(context.Background(), fmt.Sprint(i, j%64), store.Record{Body: make([]byte, 10), TTL: time.Hour})
				if errors.Is(err, store.ErrClosed) {
					return
				}
				once.Do(func() { close(started) })
			}
		})
	}
	<-started
	require.NoError(t, s.Close())
	running.Wait() // each of them was told
	_, err := s.Sweep(t.Context())
	require.ErrorIs(t, err, store.ErrClosed)
}
