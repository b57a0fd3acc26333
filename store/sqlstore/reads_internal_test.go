package sqlstore

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// desk is a database of one row: its version is how many looks have begun.
type desk struct {
	*reads
	takes time.Duration
	asked atomic.Int64
	err   error
}

func (d *desk) ask() (row, bool, error) {
	n := d.asked.Add(1)
	time.Sleep(d.takes)
	return row{version: n}, true, d.err
}

func newDesk(takes time.Duration) *desk { return &desk{reads: newReads(nil), takes: takes} }

func (d *desk) requireIdle(t *testing.T) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	require.Empty(t, d.now, "keys are not kept")
}

func TestReadersOfOneKeyShareALookThatBeginsAfterThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(10 * time.Millisecond)
		var all sync.WaitGroup
		var first, later [16]int64
		for i := range first {
			all.Go(func() {
				r, found, err := d.look(t.Context(), "key", d.ask)
				assert.NoError(t, err)
				assert.True(t, found)
				first[i] = r.version
			})
		}
		synctest.Wait()
		time.Sleep(5 * time.Millisecond) // a look is under way, and 15 wait
		for i := range later {
			all.Go(func() {
				r, _, _ := d.look(t.Context(), "key", d.ask)
				later[i] = r.version
			})
		}
		all.Wait()
		assert.EqualValues(t, 2, d.asked.Load())
		for i := range later {
			assert.EqualValues(t, 2, later[i], "the look under way began before it asked")
		}
		alone := 0
		for _, v := range first {
			if v == 1 {
				alone++
			}
		}
		assert.Equal(t, 1, alone)
		d.requireIdle(t)
	})
}

func TestOtherKeysDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(10 * time.Millisecond)
		began := time.Now()
		var all sync.WaitGroup
		for _, key := range []string{"a", "b", "c"} {
			all.Go(func() { _, _, _ = d.look(t.Context(), key, d.ask) })
		}
		all.Wait()
		assert.Equal(t, d.takes, time.Since(began))
		assert.EqualValues(t, 3, d.asked.Load())
	})
}

func TestAFailureIsNotShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(time.Millisecond)
		d.err = errors.New("the client has gone")
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() { _, _, _ = d.look(t.Context(), "key", d.ask) })
		}
		all.Wait()
		assert.EqualValues(t, 5, d.asked.Load(), "each has asked for itself")
		d.requireIdle(t)
	})
}

func TestALookThatHangsHoldsUpNobodyForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(0)
		hangs := make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() {
			_, _, _ = d.look(t.Context(), "key", func() (row, bool, error) { <-hangs; return row{}, false, nil })
		})
		synctest.Wait()
		began := time.Now()
		for range 5 {
			all.Go(func() {
				_, _, err := d.look(t.Context(), "key", d.ask)
				assert.NoError(t, err)
				assert.Equal(t, patience, time.Since(began))
			})
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, _, _ = d.look(ctx, "key", d.ask)
		assert.Equal(t, time.Millisecond, time.Since(began), "nor longer than the caller waits")
		time.Sleep(time.Second)
		for range 3 {
			began := time.Now()
			_, _, _ = d.look(t.Context(), "key", d.ask)
			assert.Zero(t, time.Since(began), "those before have waited for all who come later")
		}
		close(hangs)
		all.Wait()
		d.requireIdle(t)
	})
}

// In a slow database the readers of one key share most of all: to go their own
// ways would make it slower.
func TestSlowLooksAreSharedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(3 * patience)
		began := time.Now()
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() { _, _, _ = d.look(t.Context(), "key", d.ask) })
		}
		all.Wait()
		assert.EqualValues(t, 2, d.asked.Load())
		assert.Equal(t, patience+d.takes, time.Since(began))
		d.requireIdle(t)
	})
}

func TestASharedLookThatHangsHoldsUpNobodyForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(0)
		hangs := make(chan struct{})
		hang := func() (row, bool, error) { <-hangs; return row{}, false, nil }
		var all sync.WaitGroup
		all.Go(func() { _, _, _ = d.look(t.Context(), "key", hang) })
		synctest.Wait()
		all.Go(func() { _, _, _ = d.look(t.Context(), "key", hang) }) // begins when its patience is over
		synctest.Wait()
		time.Sleep(1) // and that of the others, after it has
		began := time.Now()
		for range 5 {
			all.Go(func() {
				_, _, err := d.look(t.Context(), "key", d.ask)
				assert.NoError(t, err)
				assert.Equal(t, patience+trust, time.Since(began))
			})
		}
		time.Sleep(time.Second)
		close(hangs)
		all.Wait()
		assert.EqualValues(t, 5, d.asked.Load())
		d.requireIdle(t)
	})
}

func TestALookThatPanicsLeavesTheKeyUsable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(0)
		assert.Panics(t, func() {
			_, _, _ = d.look(t.Context(), "key", func() (row, bool, error) { panic("a driver") })
		})
		d.requireIdle(t)
		_, found, err := d.look(t.Context(), "key", d.ask)
		require.NoError(t, err)
		assert.True(t, found)
	})
}

// Readers come and go at random; each sees a look that began after it came.
func TestSharedLooksAtRandom(t *testing.T) {
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			d := newDesk(0)
			var all sync.WaitGroup
			for range 40 {
				wait, stays := time.Duration(rng.IntN(200))*time.Millisecond, time.Duration(1+rng.IntN(120))*time.Millisecond
				takes := time.Duration(rng.IntN(90)) * time.Millisecond
				if rng.IntN(4) == 0 {
					takes, stays = 5*takes, 5*stays
				}
				all.Go(func() {
					time.Sleep(wait)
					ctx, cancel := context.WithTimeout(t.Context(), stays)
					defer cancel()
					before := d.asked.Load()
					r, _, err := d.look(ctx, "key", func() (row, bool, error) {
						n := d.asked.Add(1)
						select {
						case <-time.After(takes):
							return row{version: n}, true, nil
						case <-ctx.Done():
							return row{}, false, ctx.Err()
						}
					})
					if err == nil && r.version <= before {
						t.Errorf("seed %d: look %d began before it was asked for, when %d had begun", seed, r.version, before)
					}
				})
			}
			all.Wait()
			d.requireIdle(t)
		})
	}
}

// What several readers share has no room behind it, in which one could write what
// another does.
func TestSharedSlicesHaveNoRoomBehindThem(t *testing.T) {
	d := row{version: 1, expires: 2, now: 1, head: append(make([]byte, 0, 16), "head"...), body: append(make([]byte, 0, 16), "body"...)}
	one, err := d.record()
	require.NoError(t, err)
	other, err := d.record()
	require.NoError(t, err)
	adds := func(to []byte, what string) []byte { return append(to, what...) }
	head, body := adds(one.Head, " mine"), adds(one.Body, " mine")
	_, _ = adds(other.Head, "XXXXX"), adds(other.Body, "XXXXX")
	assert.Equal(t, "head mine", string(head))
	assert.Equal(t, "body mine", string(body))
}
