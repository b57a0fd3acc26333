package idempotency_test

import (
	"context"
	"time"

	"github.com/concordhttp/concord/store"
)

// txUnit is a transaction of a txMemory. What it holds is under that one's lock.
type txUnit struct {
	s        *txMemory
	plan     txPlan
	release  func()        // stops watching the context
	unlocked chan struct{} // closed when it holds no record any more

	writes     map[string]*txWrite
	entries    []txEntry
	statements int
	aborted    bool
	committing bool // Commit was called: it ends as planned
	ended      bool
}

// txWrite is what a transaction has made of a record.
type txWrite struct {
	found store.Record // version 0: none
	now   store.Record // version 0: deleted
}

var _ store.Tx = (*txUnit)(nil)

type txKey struct{}

// Context implements store.Tx.
func (t *txUnit) Context(ctx context.Context) context.Context {
	return context.WithValue(ctx, txKey{}, t)
}

// txLedger returns the transaction that ctx carries, nil if none.
func txLedger(ctx context.Context) *txUnit {
	t, _ := ctx.Value(txKey{}).(*txUnit)
	return t
}

// enter adds an entry to the ledger, and returns its number.
func (t *txUnit) enter(account string) (int64, error) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if err := t.statement(); err != nil {
		return 0, err
	}
	t.s.numbers++
	t.entries = append(t.entries, txEntry{account, t.s.numbers})
	return t.s.numbers, nil
}

// statement says whether another one can be made, under the lock.
func (t *txUnit) statement() error {
	t.statements++
	switch {
	case t.ended || t.committing:
		return errTxEnded
	case t.aborted:
		return errTxAborted
	case t.statements == t.plan.failAt:
		t.aborted = true
		return errTxStatement
	}
	return nil
}

// abort is what a connection that breaks off does.
func (t *txUnit) abort() {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	t.aborted = true
}

// Get implements store.Store.
func (t *txUnit) Get(ctx context.Context, key string) (store.Record, bool, error) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if err := t.statement(); err != nil {
		return store.Record{}, false, err
	}
	if w := t.writes[key]; w != nil {
		return w.now, w.now.Version != 0, nil
	}
	return t.s.Store.Get(ctx, key)
}

// write makes a statement that writes the record at key: change says what of
// it, given what stands, or that its condition does not hold. Versions are those
// that the record would have without the transaction, and grow.
func (t *txUnit) write(ctx context.Context, key string, change func(now store.Record) (store.Record, bool)) (store.Record, bool, error) {
	if err := t.s.await(ctx, key, t); err != nil {
		return store.Record{}, false, err
	}
	defer t.s.mu.Unlock()
	if err := t.statement(); err != nil {
		return store.Record{}, false, err
	}
	w := t.writes[key]
	if w == nil {
		found, _, err := t.s.Store.Get(ctx, key)
		if err != nil {
			return store.Record{}, false, err
		}
		w = &txWrite{found, found}
	}
	next, holds := change(w.now)
	if !holds {
		return w.now, false, nil
	}
	w.now = next
	t.writes[key], t.s.rows[key] = w, t
	return next, true, nil
}

// Create implements store.Store.
func (t *txUnit) Create(ctx context.Context, key string, r store.Record) (store.Record, bool, error) {
	if err := store.Check(key, r); err != nil {
		return store.Record{}, false, err
	}
	return t.write(ctx, key, func(now store.Record) (store.Record, bool) {
		r.Version = uint64(time.Now().UnixMicro())
		return r, now.Version == 0
	})
}

// Replace implements store.Store.
func (t *txUnit) Replace(ctx context.Context, key string, version uint64, r store.Record) (store.Record, bool, error) {
	if err := store.Check(key, r); err != nil {
		return store.Record{}, false, err
	}
	return t.write(ctx, key, func(now store.Record) (store.Record, bool) {
		r.Version = version + 1
		return r, version != 0 && now.Version == version
	})
}

// Delete implements store.Store.
func (t *txUnit) Delete(ctx context.Context, key string, version uint64) (bool, error) {
	_, deleted, err := t.write(ctx, key, func(now store.Record) (store.Record, bool) {
		return store.Record{}, version != 0 && now.Version == version
	})
	return deleted, err
}
