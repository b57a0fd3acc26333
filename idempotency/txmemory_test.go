package idempotency_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/memory"
)

// txMemory is a memory store with transactions, in which records commit together
// with entries of a ledger. It behaves as a database does: the first write of a
// transaction to a record locks it, and others who want to write it wait until
// the transaction ends; one whose time is over, or whose context ends, is rolled
// back; one in which a statement has failed is good for nothing but a rollback.
// Reads wait for nobody, and see what is committed.
type txMemory struct {
	*memory.Store
	over chan struct{} // closed by stop

	mu      sync.Mutex
	rows    map[string]*txUnit // by whom a record is locked
	ledger  []txEntry
	numbers int64
	begun   int
	plan    func(n int) txPlan
}

var _ store.Beginner = (*txMemory)(nil)

// txEntry is an entry of the ledger.
type txEntry struct {
	account string
	number  int64 // no two entries have the same, committed or not
}

// txPlan is what befalls one transaction. The zero value: nothing.
type txPlan struct {
	begin    error         // Begin fails with this
	failAt   int           // this statement fails, counted from 1
	commit   txCommit      // how Commit ends
	takes    time.Duration // how long that takes
	unlocked bool          // meanwhile the records are not locked: a compare-and-set outside can come first
	lax      time.Duration // for so long the deadline is not enforced, nor the end of the context noticed
}

// txCommit is how a commit ends.
type txCommit int

const (
	txDone       txCommit = iota // it is done, and says so
	txFails                      // it is not done, and says so
	txHangs                      // it is done, and no answer comes
	txDies                       // it is not done, and no answer comes
	txLate                       // an error comes at once, and it is done later
	txNever                      // an error comes at once, and it is rolled back later
	txDoneUnsaid                 // it is done, and then an error comes
)

var (
	errTxStatement = errors.New("txmemory: the statement failed")
	errTxAborted   = errors.New("txmemory: a statement failed before, all that is left is to roll back")
	errTxEnded     = errors.New("txmemory: the transaction has ended")
	errTxUnclear   = errors.New("txmemory: the connection was lost")
	errTxFailed    = errors.New("txmemory: could not serialize, rolled back")
)

func newTxMemory() *txMemory {
	return &txMemory{Store: memory.New(memory.Config{}), over: make(chan struct{}), rows: map[string]*txUnit{}}
}

// befall has plan say what befalls the nth transaction, counted from 1.
func (s *txMemory) befall(plan func(n int) txPlan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plan = plan
}

// stop lets the calls return to which no answer comes.
func (s *txMemory) stop() { close(s.over) }

// committed returns the ledger.
func (s *txMemory) committed() []txEntry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]txEntry(nil), s.ledger...)
}

// count is how often the ledger has the account.
func (s *txMemory) count(account string) (n int) {
	for _, e := range s.committed() {
		if e.account == account {
			n++
		}
	}
	return n
}

// await returns with the lock of s, once key is not locked by another than t,
// which is nil outside of transactions.
func (s *txMemory) await(ctx context.Context, key string, t *txUnit) error {
	for {
		s.mu.Lock()
		by := s.rows[key]
		if by == nil || by == t {
			return nil
		}
		s.mu.Unlock()
		select {
		case <-by.unlocked:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *txMemory) Get(ctx context.Context, key string) (store.Record, bool, error) {
	s.mu.Lock() // a commit of several records is one step
	defer s.mu.Unlock()
	return s.Store.Get(ctx, key)
}

func (s *txMemory) Create(ctx context.Context, key string, r store.Record) (store.Record, bool, error) {
	if err := s.await(ctx, key, nil); err != nil {
		return store.Record{}, false, err
	}
	defer s.mu.Unlock()
	return s.Store.Create(ctx, key, r)
}

func (s *txMemory) Replace(ctx context.Context, key string, version uint64, r store.Record) (store.Record, bool, error) {
	if err := s.await(ctx, key, nil); err != nil {
		return store.Record{}, false, err
	}
	defer s.mu.Unlock()
	return s.Store.Replace(ctx, key, version, r)
}

func (s *txMemory) Delete(ctx context.Context, key string, version uint64) (bool, error) {
	if err := s.await(ctx, key, nil); err != nil {
		return false, err
	}
	defer s.mu.Unlock()
	return s.Store.Delete(ctx, key, version)
}

// Begin implements store.Beginner. The transaction is rolled back when ctx ends
// before Commit is called, as package database/sql does, and at the deadline of
// ctx whatever its client does, as the database itself does.
func (s *txMemory) Begin(ctx context.Context) (store.Tx, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun++
	t := &txUnit{s: s, unlocked: make(chan struct{}), writes: map[string]*txWrite{}}
	if s.plan != nil {
		t.plan = s.plan(s.begun)
	}
	if t.plan.begin != nil {
		return nil, t.plan.begin
	}
	stop := func() bool { return true }
	if t.plan.lax == 0 {
		stop = context.AfterFunc(ctx, t.cancelled)
	}
	t.release = func() { stop() }
	if deadline, ok := ctx.Deadline(); ok {
		timer := time.AfterFunc(time.Until(deadline)+t.plan.lax, t.overdue)
		t.release = func() { stop(); timer.Stop() }
	}
	return t, nil
}
