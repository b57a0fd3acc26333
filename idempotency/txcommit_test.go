package idempotency_test

import (
	"context"
	"time"
)

// Rollback implements store.Tx.
func (t *txUnit) Rollback() error {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if t.ended || t.committing {
		return errTxEnded
	}
	t.end()
	return nil
}

// cancelled is called when the context has ended. It cannot call back a commit.
func (t *txUnit) cancelled() {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if !t.ended && !t.committing {
		t.end()
	}
}

// overdue is called at the deadline. What waits for no lock is beyond it.
func (t *txUnit) overdue() {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if !t.ended && !(t.committing && t.plan.unlocked) {
		t.end()
	}
}

// Commit implements store.Tx.
func (t *txUnit) Commit() error {
	t.s.mu.Lock()
	if t.ended || t.committing || t.aborted {
		defer t.s.mu.Unlock()
		if !t.ended && t.aborted {
			t.end()
			return errTxAborted
		}
		return errTxEnded
	}
	t.committing = true
	if t.plan.unlocked {
		t.unlock()
	}
	t.s.mu.Unlock()
	return t.carry()
}

// carry brings the commit to the end that is planned for it.
func (t *txUnit) carry() error {
	p := t.plan
	switch p.commit {
	case txLate, txNever:
		time.AfterFunc(p.takes, func() { _ = t.conclude(p.commit == txLate) })
		return errTxUnclear
	case txDone, txFails, txHangs, txDies, txDoneUnsaid:
	}
	time.Sleep(p.takes)
	err := t.conclude(p.commit != txFails && p.commit != txDies)
	switch {
	case p.commit == txHangs || p.commit == txDies:
		<-t.s.over
		return errTxUnclear
	case p.commit == txDoneUnsaid:
		return errTxUnclear
	}
	return err
}

// conclude commits, if that is planned and still possible, or rolls back.
func (t *txUnit) conclude(commit bool) error {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if t.ended {
		return errTxEnded
	}
	defer t.end()
	if !commit || !t.holds() {
		return errTxFailed
	}
	for key, w := range t.writes {
		t.apply(key, w)
	}
	t.s.ledger = append(t.s.ledger, t.entries...)
	return nil
}

// holds reports whether every record still is what it was when it was written,
// under the lock.
func (t *txUnit) holds() bool {
	for key, w := range t.writes {
		if by := t.s.rows[key]; by != nil && by != t {
			return false
		}
		now, _, err := t.s.Store.Get(context.Background(), key)
		if err != nil || now.Version != w.found.Version {
			return false
		}
	}
	return true
}

// apply makes a write that holds.
func (t *txUnit) apply(key string, w *txWrite) {
	ctx, done, err := context.Background(), true, error(nil)
	switch {
	case w.now.Version == 0 && w.found.Version != 0:
		done, err = t.s.Store.Delete(ctx, key, w.found.Version)
	case w.now.Version == 0: // created and deleted
	case w.found.Version == 0:
		_, done, err = t.s.Store.Create(ctx, key, w.now)
	default:
		_, done, err = t.s.Store.Replace(ctx, key, w.found.Version, w.now)
	}
	if err != nil || !done {
		panic("txmemory: half a commit")
	}
}

// end ends the transaction, under the lock.
func (t *txUnit) end() {
	t.ended = true
	t.release()
	t.unlock()
}

// unlock frees the records, under the lock.
func (t *txUnit) unlock() {
	select {
	case <-t.unlocked:
		return
	default:
	}
	for key, by := range t.s.rows {
		if by == t {
			delete(t.s.rows, key)
		}
	}
	close(t.unlocked)
}
