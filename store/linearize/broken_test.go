package linearize

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/memory"
)

// blindReplace compares the version that it reads with the one it was given,
// and then writes over whatever stands by then.
type blindReplace struct{ store.Store }

func (b blindReplace) Replace(ctx context.Context, key string, version uint64, r store.Record) (store.Record, bool, error) {
	standing, found, err := b.Get(ctx, key)
	if err != nil || !found || standing.Version != version {
		return standing, false, err
	}
	for {
		runtime.Gosched()
		replaced, ok, err := b.Store.Replace(ctx, key, standing.Version, r)
		if ok || err != nil {
			return replaced, ok, err
		}
		if replaced.Version == 0 {
			replaced, ok, err = b.Create(ctx, key, r)
			if ok || err != nil {
				return replaced, ok, err
			}
		}
		standing = replaced
	}
}

// staleGet answers every eighth Get from what an earlier one saw.
type staleGet struct {
	store.Store
	mu   sync.Mutex
	gets int
	seen map[string]store.Record
}

func (b *staleGet) Get(ctx context.Context, key string) (store.Record, bool, error) {
	r, found, err := b.Store.Get(ctx, key)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gets++
	if old, ok := b.seen[key]; ok && b.gets%8 == 0 {
		return old, old.Version != 0, err
	}
	b.seen[key] = r
	return r, found, err
}

// secondLook shows losers of Create what stands when it looks again.
type secondLook struct{ store.Store }

func (b secondLook) Create(ctx context.Context, key string, r store.Record) (store.Record, bool, error) {
	standing, created, err := b.Store.Create(ctx, key, r)
	if created || err != nil {
		return standing, created, err
	}
	runtime.Gosched()
	standing, _, err = b.Get(ctx, key)
	return standing, false, err
}

// gladDelete says true to everybody who deletes the same version at once.
type gladDelete struct{ store.Store }

func (b gladDelete) Delete(ctx context.Context, key string, version uint64) (bool, error) {
	standing, found, err := b.Get(ctx, key)
	if err != nil || !found || standing.Version != version {
		return false, err
	}
	runtime.Gosched()
	_, err = b.Store.Delete(ctx, key, version)
	return true, err
}

// lostWrite says that it wrote, and now and then did not.
type lostWrite struct {
	store.Store
	mu    sync.Mutex
	calls int
}

func (b *lostWrite) Replace(ctx context.Context, key string, version uint64, r store.Record) (store.Record, bool, error) {
	b.mu.Lock()
	b.calls++
	lose := b.calls%32 == 0
	b.mu.Unlock()
	standing, found, err := b.Get(ctx, key)
	if lose && err == nil && found && standing.Version == version {
		r.Version = version + 1
		return r, true, nil
	}
	return b.Store.Replace(ctx, key, version, r)
}

// restarting counts the versions of each life of a key from 1.
type restarting struct {
	store.Store
	mu   sync.Mutex
	base map[string]uint64 // what is subtracted from the versions of the record that stands
}

func (b *restarting) Create(ctx context.Context, key string, r store.Record) (store.Record, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	standing, created, err := b.Store.Create(ctx, key, r)
	if created {
		b.base[key] = standing.Version - 1
	}
	return b.shift(key, standing), created, err
}

func (b *restarting) Get(ctx context.Context, key string) (store.Record, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r, found, err := b.Store.Get(ctx, key)
	return b.shift(key, r), found, err
}

func (b *restarting) Replace(ctx context.Context, key string, version uint64, r store.Record) (store.Record, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	standing, replaced, err := b.Store.Replace(ctx, key, version+b.base[key], r)
	return b.shift(key, standing), replaced, err
}

func (b *restarting) Delete(ctx context.Context, key string, version uint64) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Store.Delete(ctx, key, version+b.base[key])
}

func (b *restarting) shift(key string, r store.Record) store.Record {
	if r.Version != 0 {
		r.Version -= b.base[key]
	}
	return r
}

func TestBrokenStoresAreNotLinearizable(t *testing.T) {
	for name, breakIt := range map[string]func(store.Store) store.Store{
		"Replace writes without comparing under contention": func(s store.Store) store.Store { return blindReplace{s} },
		"Get answers from a cache":                          func(s store.Store) store.Store { return &staleGet{Store: s, seen: map[string]store.Record{}} },
		"losers are shown a second look":                    func(s store.Store) store.Store { return secondLook{s} },
		"two delete one version":                            func(s store.Store) store.Store { return gladDelete{s} },
		"a write is lost":                                   func(s store.Store) store.Store { return &lostWrite{Store: s} },
		"versions start again after Delete":                 func(s store.Store) store.Store { return &restarting{Store: s, base: map[string]uint64{}} },
	} {
		t.Run(name, func(t *testing.T) {
			s := memory.New(memory.Config{})
			defer func() { _ = s.Close() }()
			o := Options{Operations: 100_000, Keys: 2}.withDefaults()
			t.Logf("CONCORD_SEED=%d", o.Seed)
			err := check(t.Context(), breakIt(s), o)
			if !errors.Is(err, errNotLinearizable) {
				t.Fatalf("error %v; want errNotLinearizable", err)
			}
			t.Log(err)
		})
	}
}
