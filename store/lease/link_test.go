package lease_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/concordhttp/concord/store"
)

// link is a server's way to the store, on which calls and answers get lost.
type link struct {
	*model
	world  *world
	mu     sync.Mutex
	random *rand.Rand
	cut    time.Time // nothing gets through until then
}

// faulty names what befalls one call.
func (l *link) faulty() (name string, d time.Duration) {
	l.world.mu.Lock()
	calm := l.world.calm
	l.world.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.random.IntN(100)
	d = time.Duration(l.random.Int64N(int64(15 * time.Second)))
	switch {
	case calm:
		return "none", 0
	case time.Now().Before(l.cut):
		return "cut", d
	case n == 0:
		l.cut = time.Now().Add(2 * d)
		return "cut", d
	}
	names := []string{"lost call", "lost reply", "hang", "hang after", "late", "twice", "slow", "slow reply"}
	if n <= 3*len(names) {
		return names[(n-1)/3], d
	}
	return "none", d
}

// carry delivers a call, or not, or late, or twice, and its answer or not.
func (l *link) carry(ctx context.Context, do func()) error {
	name, d := l.faulty()
	l.world.mu.Lock()
	l.world.totals.Faults[name]++
	l.world.mu.Unlock()
	time.Sleep(d / 10_000) // no call takes no time
	switch name {
	case "lost call":
		return errReset
	case "lost reply":
		do()
		return errReset
	case "cut", "hang":
		return hang(ctx)
	case "hang after":
		do()
		return hang(ctx)
	case "late": // the call arrives long after its caller has given up
		time.AfterFunc(d, do)
		return hang(ctx)
	case "twice":
		do()
		do()
		return nil
	case "slow":
		if err := delay(d / 10)(ctx); err != nil {
			return err
		}
	case "slow reply":
		do()
		return delay(d / 10)(ctx)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	do()
	return nil
}

func (l *link) Get(ctx context.Context, key string) (r store.Record, found bool, err error) {
	var mu sync.Mutex // a late call may still write when its caller reads
	out, ok := r, found
	err = l.carry(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		out, ok, _ = l.model.Get(context.Background(), key)
	})
	mu.Lock()
	defer mu.Unlock()
	return unless(out, err), ok && err == nil, err
}

func (l *link) Create(ctx context.Context, key string, r store.Record) (store.Record, bool, error) {
	return l.write(ctx, func() (store.Record, bool) {
		out, ok, _ := l.model.Create(context.Background(), key, r)
		return out, ok
	})
}

func (l *link) Replace(ctx context.Context, key string, version uint64, r store.Record) (store.Record, bool, error) {
	return l.write(ctx, func() (store.Record, bool) {
		out, ok, _ := l.model.Replace(context.Background(), key, version, r)
		return out, ok
	})
}

func (l *link) Delete(ctx context.Context, key string, version uint64) (bool, error) {
	_, ok, err := l.write(ctx, func() (store.Record, bool) {
		ok, _ := l.model.Delete(context.Background(), key, version)
		return store.Record{}, ok
	})
	return ok, err
}

func (l *link) write(ctx context.Context, do func() (store.Record, bool)) (store.Record, bool, error) {
	var mu sync.Mutex
	var out store.Record
	var ok bool
	err := l.carry(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		out, ok = do()
	})
	mu.Lock()
	defer mu.Unlock()
	return unless(out, err), ok && err == nil, err
}

func (l *link) Watch(ctx context.Context, key string, version uint64) error {
	name, d := l.faulty()
	switch name {
	case "lost call":
		return errReset
	case "lost reply":
		return delay(d)(ctx) // wakes for nothing
	}
	return l.model.Watch(ctx, key, version)
}
