package memory

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
)

// seed is that of the environment variable CONCORD_SEED, else a new one; it is
// printed, so that a failure can be replayed.
func seed(t *testing.T) uint64 {
	t.Helper()
	s, err := strconv.ParseUint(os.Getenv("CONCORD_SEED"), 10, 64)
	if err != nil {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("CONCORD_SEED=%d", s)
	return s
}

// verify checks that the parts of a store that is at rest agree with each other.
func verify(t *testing.T, s *Store) {
	t.Helper()
	var records, bodyBytes int64
	for i := range s.shards {
		h := &s.shards[i]
		h.mu.Lock()
		require.Len(t, h.deadlines.heap, len(h.entries), "every entry has one deadline")
		withBody := 0
		for i, e := range h.deadlines.heap {
			require.Same(t, e, h.entries[e.key], "the heap holds the entries of the map")
			require.Equal(t, i, e.position, "an entry knows its place")
			require.LessOrEqual(t, h.deadlines.heap[max(0, i-1)/2].deadline, e.deadline, "no parent expires after its child")
			if len(e.body) > 0 {
				withBody++
				require.True(t, h.bodies.Contains(e), "a body is in the order of use")
				bodyBytes += int64(len(e.body))
			}
		}
		require.Equal(t, withBody, h.bodies.Len(), "nothing else is in the order of use")
		records += int64(len(h.entries))
		h.mu.Unlock()
	}
	require.Equal(t, records, s.room.records.Load(), "records are counted right")
	require.Equal(t, bodyBytes, s.room.bodyBytes.Load(), "bodies are counted right")
	require.LessOrEqual(t, records, s.room.maxRecords)
	require.LessOrEqual(t, bodyBytes, s.room.maxBodyBytes)
}

// TestPartsAgreeAfterAnything takes random steps, with expiry and too little
// room of both kinds, from several goroutines.
func TestPartsAgreeAfterAnything(t *testing.T) {
	s := seed(t)
	synctest.Test(t, func(t *testing.T) {
		m := New(Config{MaxRecords: 60, MaxBodyBytes: 4 << 10, Shards: 4})
		for round := range 20 {
			var workers sync.WaitGroup
			for i := range 4 {
				workers.Go(func() { anything(m, rand.New(rand.NewPCG(s, uint64(round*4+i)))) })
			}
			workers.Wait()
			verify(t, m)
			time.Sleep(10 * time.Second)
		}
		time.Sleep(time.Hour)
		_, err := m.Sweep(t.Context())
		require.NoError(t, err)
		verify(t, m)
		require.Zero(t, m.room.records.Load(), "everything has expired")
	})
}

func anything(m *Store, lots *rand.Rand) {
	ctx := context.Background()
	for range 300 {
		key := fmt.Sprint(lots.IntN(100))
		standing, _, _ := m.Get(ctx, key)
		r := store.Record{Body: make([]byte, lots.IntN(300)), TTL: time.Duration(lots.IntN(60)+1) * time.Second}
		if lots.IntN(50) == 0 {
			r.Body = make([]byte, 5<<10) // more than there is room for
		}
		switch lots.IntN(6) {
		case 0, 1, 2:
			_, _, _ = m.Create(ctx, key, r)
		case 3:
			_, _, _ = m.Replace(ctx, key, standing.Version, r)
		case 4:
			_, _ = m.Delete(ctx, key, standing.Version)
		case 5:
			_, _ = m.Sweep(ctx)
		}
	}
}

func TestDeadlinesComeOutInOrder(t *testing.T) {
	lots := rand.New(rand.NewPCG(seed(t), 0))
	var d deadlines
	var all []*entry
	for range 500 {
		e := &entry{deadline: instant(lots.IntN(200))}
		all = append(all, e)
		d.add(e)
	}
	for range 300 { // some move, some go
		i := lots.IntN(len(all))
		if lots.IntN(2) == 0 {
			all[i].deadline = instant(lots.IntN(200))
			d.moved(all[i])
		} else {
			d.remove(all[i])
			all = slices.Delete(all, i, i+1)
		}
	}
	slices.SortFunc(all, func(a, b *entry) int { return int(a.deadline - b.deadline) })
	for _, want := range all {
		require.Nil(t, d.expired(want.deadline-1), "nothing expires before its deadline")
		first := d.expired(want.deadline)
		require.NotNil(t, first)
		require.Equal(t, want.deadline, first.deadline)
		d.remove(first)
	}
	require.Empty(t, d.heap)
}

func TestZeroAndNegativeFieldsMeanTheirDefaults(t *testing.T) {
	usual := Config{MaxRecords: 1 << 18, MaxBodyBytes: 64 << 20, Shards: 32}
	for name, row := range map[string]struct{ given, used Config }{
		"the zero value":                {Config{}, usual},
		"negative fields":               {Config{-1, -1, -1}, usual},
		"one of everything":             {Config{1, 1, 1}, Config{1, 1, 1}},
		"shards become a power of two":  {Config{Shards: 33}, Config{1 << 18, 64 << 20, 64}},
		"shards that are a power of 2":  {Config{Shards: 64}, Config{1 << 18, 64 << 20, 64}},
		"shards are 1,024 at most":      {Config{Shards: 1 << 30}, Config{1 << 18, 64 << 20, 1 << 10}},
		"large limits stay as they are": {Config{1 << 40, 1 << 50, 2}, Config{1 << 40, 1 << 50, 2}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, row.used, row.given.withDefaults()) })
	}
}

func TestATimeToLiveBeyondTheEndOfTimeIsTheEndOfTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(Config{})
		time.Sleep(time.Hour)
		r, _, err := m.Create(t.Context(), "k", store.Record{TTL: 1<<63 - 1})
		require.NoError(t, err)
		require.Equal(t, time.Duration(1<<63-1)-time.Hour, r.TTL)
		_, found, err := m.Get(t.Context(), "k")
		require.NoError(t, err)
		require.True(t, found)
	})
}

// TestGarbageShrinksWithoutASweep shows that room comes back without a
// goroutine: a store in which records expire as fast as they come holds a
// bounded number of them.
func TestGarbageShrinksWithoutASweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(Config{Shards: 4})
		for i := range 10_000 {
			_, _, err := m.Create(t.Context(), fmt.Sprint(i), store.Record{TTL: time.Second})
			require.NoError(t, err)
			time.Sleep(10 * time.Millisecond) // 100 live at a time
		}
		verify(t, m)
		require.Less(t, m.room.records.Load(), int64(400))
	})
}
