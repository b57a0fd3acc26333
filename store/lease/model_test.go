package lease_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/concordhttp/concord/store"
)

// errReset is an error that leaves it open whether the step happened.
var errReset = errors.New("connection reset")

// model is a store that follows the contract to the letter, slowly, and does to
// each call what its faults ask for.
type model struct {
	mu      sync.Mutex
	records map[string]entry
	last    uint64
	changed map[string]chan struct{}
	calls   map[string]int // by method
	faults  func(step) fault
	rate    float64 // how fast the store's clock runs; 0 is as fast as others
}

// elapsed is d of real time as the store's clock counts it, and the other way.
func (m *model) elapsed(d time.Duration) time.Duration {
	if m.rate == 0 {
		return d
	}
	return time.Duration(float64(d) * m.rate)
}

func (m *model) real(d time.Duration) time.Duration {
	if m.rate == 0 {
		return d
	}
	return time.Duration(float64(d) / m.rate)
}

type entry struct {
	store.Record
	written time.Time
}

// step is a call of the store.
type step struct {
	method string // Get, Create, Replace, Delete or Watch
	key    string
	nth    int // of this method, from 1
	record store.Record
}

// fault is what befalls a call. The zero value is none.
type fault struct {
	before func(context.Context) error // instead of the step, if it fails
	twice  bool                        // the step is delivered twice, and the second answer returned
	after  func(context.Context) error // instead of the answer, if it fails
}

func newModel() *model {
	return &model{records: map[string]entry{}, changed: map[string]chan struct{}{}, calls: map[string]int{}}
}

// polled hides everything but the methods of store.Store.
type polled struct{ store.Store }

func (m *model) setFaults(f func(step) fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = f
}

func (m *model) count(method string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[method]
}

// run makes one call: do is the step itself, under the lock.
func (m *model) run(ctx context.Context, s step, do func()) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	m.mu.Lock()
	m.calls[s.method]++
	s.nth = m.calls[s.method]
	var f fault
	if m.faults != nil {
		f = m.faults(s)
	}
	m.mu.Unlock()
	if f.before != nil {
		if err := f.before(ctx); err != nil {
			return err
		}
	}
	m.mu.Lock()
	do()
	if f.twice {
		do()
	}
	m.mu.Unlock()
	if f.after != nil {
		return f.after(ctx)
	}
	return nil
}

// standing is the record at key, under the lock.
func (m *model) standing(key string) (store.Record, bool) {
	e, ok := m.records[key]
	now := time.Now()
	if !ok {
		return store.Record{}, false
	}
	r := e.Record
	r.Age = m.elapsed(now.Sub(e.written))
	r.TTL -= r.Age
	if r.TTL <= 0 {
		return store.Record{}, false
	}
	return r, true
}

// put writes r, under the lock.
func (m *model) put(key string, r store.Record) store.Record {
	now := time.Now()
	m.last = max(m.last+1, uint64(now.UnixMicro()))
	r.Version = m.last
	m.records[key] = entry{Record: r, written: now}
	m.wake(key)
	return r
}

func (m *model) wake(key string) {
	if c := m.changed[key]; c != nil {
		close(c)
		delete(m.changed, key)
	}
}

func (m *model) Get(ctx context.Context, key string) (r store.Record, found bool, err error) {
	err = m.run(ctx, step{method: "Get", key: key}, func() { r, found = m.standing(key) })
	return unless(r, err), found && err == nil, err
}

func (m *model) Create(ctx context.Context, key string, r store.Record) (out store.Record, created bool, err error) {
	if err := store.Check(key, r); err != nil {
		return store.Record{}, false, err
	}
	err = m.run(ctx, step{method: "Create", key: key, record: r}, func() {
		var stands bool
		out, stands = m.standing(key)
		if created = !stands; created {
			out = m.put(key, r)
		}
	})
	return unless(out, err), created && err == nil, err
}

func (m *model) Replace(ctx context.Context, key string, version uint64, r store.Record) (out store.Record, replaced bool, err error) {
	if err := store.Check(key, r); err != nil {
		return store.Record{}, false, err
	}
	err = m.run(ctx, step{method: "Replace", key: key, record: r}, func() {
		var stands bool
		out, stands = m.standing(key)
		if replaced = stands && out.Version == version; replaced {
			out = m.put(key, r)
		}
	})
	return unless(out, err), replaced && err == nil, err
}

func (m *model) Delete(ctx context.Context, key string, version uint64) (deleted bool, err error) {
	err = m.run(ctx, step{method: "Delete", key: key}, func() {
		r, stands := m.standing(key)
		if deleted = stands && r.Version == version; deleted {
			delete(m.records, key)
			m.wake(key)
		}
	})
	return deleted && err == nil, err
}

func (m *model) Watch(ctx context.Context, key string, version uint64) error {
	if err := m.run(ctx, step{method: "Watch", key: key}, func() {}); err != nil {
		return err
	}
	m.mu.Lock()
	r, stands := m.standing(key)
	if !stands || r.Version != version {
		m.mu.Unlock()
		return nil
	}
	if m.changed[key] == nil {
		m.changed[key] = make(chan struct{})
	}
	changed := m.changed[key]
	m.mu.Unlock()
	expiry := time.NewTimer(m.real(r.TTL))
	defer expiry.Stop()
	select {
	case <-changed:
		return nil
	case <-expiry.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// unless is r, or nothing if there was an error.
func unless(r store.Record, err error) store.Record {
	if err != nil {
		return store.Record{}
	}
	return r
}

// Faults.

// fail is an error without the step.
func fail(context.Context) error { return errReset }

// hang waits until the caller gives up.
func hang(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// delay arrives late, or not at all if the caller gives up before.
func delay(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stubborn arrives late even though the caller has given up.
func stubborn(d time.Duration) func(context.Context) error {
	return func(context.Context) error {
		time.Sleep(d)
		return nil
	}
}

// on is a fault of the calls of one method, those in nth or, without, all.
func on(method string, f fault, nth ...int) func(step) fault {
	return func(s step) fault {
		if s.method != method {
			return fault{}
		}
		for _, n := range nth {
			if n == s.nth {
				return f
			}
		}
		if len(nth) == 0 {
			return f
		}
		return fault{}
	}
}
