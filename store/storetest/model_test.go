package storetest

import (
	"bytes"
	"context"
	"errors"
	"math"
	"runtime"
	"sync"
	"time"

	"github.com/concordhttp/concord/store"
)

// model is a store that is as simple as a correct one can be: one lock, one map,
// and the last version of every key for ever. It has one fault at a time, or
// none, so that the suite can be shown to find it.
type model struct {
	fault      fault
	maxRecords int
	maxBody    int

	mu       sync.Mutex
	closed   bool
	records  map[string]*kept
	versions map[string]uint64
	drawn    uint64
	stepped  time.Duration // by how much the clock that versions are drawn from is ahead
	changed  chan struct{} // closed, and made anew, with every change
}

// kept is a record and when it was written.
type kept struct {
	store.Record
	created, written, deadline time.Time
	replaced                   bool // it is not the first version
}

func newModel(f fault) *model {
	return &model{
		fault:      f,
		maxRecords: math.MaxInt,
		maxBody:    math.MaxInt,
		records:    map[string]*kept{},
		versions:   map[string]uint64{},
		changed:    make(chan struct{}),
	}
}

func (m *model) Get(ctx context.Context, key string) (store.Record, bool, error) {
	if err := m.enter(ctx, store.CheckKey(key)); err != nil {
		return m.absentIfClosed(err)
	}
	defer m.mu.Unlock()
	if k := m.standing(m.keyOf(key)); k != nil {
		return m.show(k), true, nil
	}
	return store.Record{}, false, nil
}

func (m *model) Create(ctx context.Context, key string, r store.Record) (store.Record, bool, error) {
	drawn := m.drawEarly()
	if err := m.enter(ctx, m.check(key, r)); err != nil {
		return store.Record{}, false, err
	}
	defer m.mu.Unlock()
	key = m.keyOf(key)
	k := m.standing(key)
	m.letOthersIn(k == nil, getThenCreate)
	m.letOthersIn(k == nil && m.records[key] != nil, getThenCreateAfterExpiry)
	if m.letOthersIn(k == nil, contentionIsAnError); m.fault == contentionIsAnError && k == nil && m.standing(key) != nil {
		return store.Record{}, false, errors.New("40001: could not serialize access due to concurrent update")
	}
	if k != nil && !m.overwrites(k, r) {
		return m.loser(k), false, m.conditionFailed()
	}
	if !m.makeRecordRoom(key) {
		return store.Record{}, false, store.ErrFull
	}
	return m.show(m.write(ctx, key, r, drawn)), true, m.leave(ctx, key)
}

func (m *model) Replace(ctx context.Context, key string, version uint64, r store.Record) (store.Record, bool, error) {
	drawn := m.drawEarly()
	if err := m.enter(ctx, m.check(key, r)); err != nil {
		return store.Record{}, false, err
	}
	defer m.mu.Unlock()
	key = m.keyOf(key)
	k := m.standing(key)
	if k == nil {
		return store.Record{}, false, m.conditionFailed()
	}
	matches := k.Version == version || m.fault == replaceIgnoresVersion
	m.letOthersIn(matches, getThenReplace)
	if !matches {
		return m.loser(k), false, m.conditionFailed()
	}
	if err := m.refusal(k, r); err != nil {
		return store.Record{}, false, err
	}
	shown := m.show(m.write(ctx, key, r, drawn))
	if m.fault == replaceShowsNoVersion {
		shown.Version = 0
	}
	return shown, true, m.leave(ctx, key)
}

func (m *model) Delete(ctx context.Context, key string, version uint64) (bool, error) {
	if err := m.enter(ctx, store.CheckKey(key)); err != nil {
		return false, err
	}
	defer m.mu.Unlock()
	key = m.keyOf(key)
	k := m.standing(key)
	matches := k != nil && (k.Version == version || m.fault == deleteIgnoresVersion)
	m.letOthersIn(matches, getThenDelete)
	if !matches {
		return false, m.conditionFailed()
	}
	if m.fault != deleteDoesNothing {
		delete(m.records, key)
	}
	m.deleted(key)
	if m.fault != deleteWakesNobody {
		m.wake()
	}
	return true, nil
}

func (m *model) Watch(ctx context.Context, key string, version uint64) error {
	if err := store.CheckKey(key); err != nil {
		return err
	}
	for {
		if err := m.enter(ctx, nil); err != nil {
			return err
		}
		k, changed := m.standing(key), m.changed
		m.mu.Unlock()
		if (k == nil || k.Version != version) && m.fault != watchOfGoneSleeps {
			return nil
		}
		var expired <-chan time.Time
		if k != nil && m.fault != watchSleepsThroughExpiry {
			expired = time.After(time.Until(k.deadline))
		}
		ended := ctx.Done()
		if m.fault == watchIgnoresItsContext {
			ended = nil
		}
		select {
		case <-changed:
		case <-expired:
		case <-ended:
			return ctx.Err()
		}
	}
}

func (m *model) Sweep(ctx context.Context) (removed int, err error) {
	if err := m.enter(ctx, nil); err != nil {
		return 0, err
	}
	defer m.mu.Unlock()
	var expired []string
	for key := range m.records {
		if m.standing(key) == nil && m.fault != expiredTakesRoom || m.fault == sweepRemovesTheLiving {
			expired = append(expired, key)
		}
	}
	m.letOthersIn(len(expired) > 0, sweepRemovesByKey)
	for _, key := range expired {
		delete(m.records, key)
		if m.fault == versionsRestartAfterSweep || m.fault == versionsForgottenAtOnce {
			delete(m.versions, key)
		}
	}
	return len(expired), nil
}

// stepClock sets the clock that versions are drawn from.
func (m *model) stepClock(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stepped += d
}

func (m *model) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	if m.fault != closeWakesNobody {
		m.wake()
	}
	return nil
}

// enter takes the lock, unless there is a reason not to.
func (m *model) enter(ctx context.Context, invalid error) error {
	if invalid != nil {
		return invalid
	}
	if err := ctx.Err(); err != nil && m.fault != endedContextIsIgnored {
		return err
	}
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return store.ErrClosed
	}
	return nil
}

// standing returns the record at key unless it has expired.
func (m *model) standing(key string) *kept {
	k := m.records[key]
	if k == nil || time.Now().After(k.deadline) {
		return nil
	}
	if time.Now().Equal(k.deadline) && m.fault != visibleAtTheInstant {
		return nil
	}
	return k
}

// show returns the record as callers see it.
func (m *model) show(k *kept) store.Record {
	r := k.Record
	r.TTL, r.Age = time.Until(k.deadline), time.Since(k.written)
	if m.fault == ageOfCreation {
		r.Age = time.Since(k.created)
	}
	return r
}

// write writes r as the next version of key.
func (m *model) write(ctx context.Context, key string, r store.Record, drawn uint64) *kept {
	now := time.Now()
	old := m.standing(key)
	k := &kept{created: now, written: now, deadline: now.Add(m.timeToLive(old, r.TTL))}
	k.Head, k.Body = r.Head, r.Body
	if old != nil {
		k.created, k.replaced = old.created, true
		m.useAgain(old, k)
	}
	k.Version = m.nextVersion(key, now, drawn)
	m.versions[key] = k.Version
	m.records[key] = k
	m.spoil(ctx, k, r)
	m.makeBodyRoom(k)
	m.wake()
	return k
}

// makeRecordRoom makes room for a record at key out of those that expired, or
// reports that there is none.
func (m *model) makeRecordRoom(key string) bool {
	if m.records[key] != nil || m.fault == createIsNeverFull {
		return true
	}
	for other := range m.records {
		if len(m.records) < m.maxRecords {
			break
		}
		if m.fault == expiredTakesRoom {
			continue
		}
		if m.standing(other) == nil || m.fault == headsAreEvicted {
			delete(m.records, other)
		}
	}
	return len(m.records) < m.maxRecords
}

// makeBodyRoom drops bodies until those that remain fit.
func (m *model) makeBodyRoom(spared *kept) {
	total := 0
	for _, k := range m.records {
		total += len(k.Body)
	}
	for _, k := range m.records {
		if total > m.maxBody && len(k.Body) > 0 && k != spared {
			total -= len(k.Body)
			k.Body, k.Dropped = nil, !m.silent(k)
		}
	}
	if total > m.maxBody {
		spared.Body, spared.Dropped = nil, !m.silent(spared)
	}
}

// wake wakes everybody, who then look for themselves.
func (m *model) wake() {
	switch m.fault {
	case changesWakeNobody:
	case changesWakeOne:
		select {
		case m.changed <- struct{}{}:
		default:
		}
	default:
		close(m.changed)
		m.changed = make(chan struct{})
	}
}

// letOthersIn opens the lock between look and step, if that is the fault.
func (m *model) letOthersIn(here bool, f fault) {
	if here && m.fault == f {
		m.mu.Unlock()
		for range 4 {
			runtime.Gosched()
		}
		m.mu.Lock()
	}
}

// cutOff returns s without what follows the first NUL.
func cutOff(s string) string {
	before, _, _ := bytes.Cut([]byte(s), []byte{0})
	return string(before)
}
