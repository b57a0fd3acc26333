package memory

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
)

// Tests of what concurrent calls do to each other where room is short.

// interrupted is an ErrFull that lets another step happen between a Create that
// was refused and what it does about it, which is to compare the error.
type interrupted struct {
	error
	once *sync.Once
	step func()
}

func (i interrupted) Is(target error) bool {
	i.once.Do(i.step)
	return target == store.ErrFull
}

// TestRoomThatAnotherCallMadeIsFound lets another call remove all that has
// expired after Create found the store full of it, and before Create looks for
// itself and finds nothing to remove.
func TestRoomThatAnotherCallMadeIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{MaxRecords: 8, Shards: 64})
		for i := range 8 {
			_, _, err := s.Create(t.Context(), fmt.Sprint("old ", i), store.Record{TTL: time.Second})
			require.NoError(t, err)
		}
		time.Sleep(time.Second)
		key := "new"
		for i := 0; len(s.shard(key).entries) > 0; i++ { // Create itself must find nothing to remove
			key = fmt.Sprint("new ", i)
		}
		removed := 0
		s.shard(key).full = interrupted{store.ErrFull, new(sync.Once), func() {
			for n := s.reapEverywhere(); n > 0; n = s.reapEverywhere() { // some of each shard at a time
				removed += n
			}
		}}
		_, created, err := s.Create(t.Context(), key, store.Record{TTL: time.Hour})
		require.Equal(t, 8, removed, "the other call came in between")
		require.NoError(t, err, "all that was in the way has expired")
		require.True(t, created)
	})
}

// TestAnAttemptThatFailsTakesNoRoom looks at the count while others try in vain
// to get into a full room: were it over the limit for a moment, then who comes
// at that moment would be refused, though a record was just given back.
func TestAnAttemptThatFailsTakesNoRoom(t *testing.T) {
	r := room{maxRecords: 1}
	require.True(t, r.takeRecord())
	var others, watcher sync.WaitGroup
	var done atomic.Bool
	most := int64(0)
	watcher.Go(func() {
		for !done.Load() {
			most = max(most, r.records.Load())
		}
	})
	for range 4 {
		others.Go(func() {
			for range 1_000_000 {
				r.takeRecord()
			}
		})
	}
	others.Wait()
	done.Store(true)
	watcher.Wait()
	require.EqualValues(t, 1, most)
}

// TestAtRestTheBodiesFit has every writer fill the store alone, and each spare
// its own body while it makes room.
func TestAtRestTheBodiesFit(t *testing.T) {
	for _, shards := range []int{2, 4, 32} {
		t.Run(fmt.Sprintf("%d shards", shards), func(t *testing.T) {
			for range 1000 {
				s := New(Config{MaxBodyBytes: 1000, Shards: shards})
				start := make(chan struct{})
				var writers sync.WaitGroup
				for i := range 8 {
					writers.Go(func() {
						<-start
						_, _, _ = s.Create(context.Background(), fmt.Sprint(i), store.Record{Body: make([]byte, 1000), TTL: time.Hour})
					})
				}
				close(start)
				writers.Wait()
				verify(t, s)
			}
		})
	}
}

// TestVersionsGrowWhenTheClockStepsBack steps the clock that versions are drawn
// from, with the record standing and after it was deleted.
func TestVersionsGrowWhenTheClockStepsBack(t *testing.T) {
	s := New(Config{Shards: 1})
	h := &s.shards[0]
	e := &entry{key: "k"}
	last := uint64(0)
	for _, micros := range []uint64{5_000_000, 1, 0, 5_000_000, 4_999_999} {
		h.write(e, store.Record{TTL: time.Hour}, 0, micros)
		require.Greater(t, e.version, last)
		last = e.version
		e = &entry{key: e.key} // what stood before is forgotten
	}
}

func TestAClockBefore1970DrawsSmallVersions(t *testing.T) {
	require.Zero(t, microsOf(time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC)))
	require.Zero(t, microsOf(time.Unix(0, 0)))
	require.EqualValues(t, 1_000_000, microsOf(time.Unix(1, 0)))
}
