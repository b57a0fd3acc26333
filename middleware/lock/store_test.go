package lock_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/lock"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/lease"
	"github.com/concordhttp/concord/store/memory"
)

// countingStore notes which methods are called. It is for one caller at a time.
type countingStore struct {
	store.Store
	calls []string
}

func (s *countingStore) Get(ctx context.Context, key string) (store.Record, bool, error) {
	s.calls = append(s.calls, "Get")
	return s.Store.Get(ctx, key)
}

func (s *countingStore) Create(ctx context.Context, key string, r store.Record) (store.Record, bool, error) {
	s.calls = append(s.calls, "Create")
	return s.Store.Create(ctx, key, r)
}

func (s *countingStore) Replace(ctx context.Context, key string, version uint64, r store.Record) (store.Record, bool, error) {
	s.calls = append(s.calls, "Replace")
	return s.Store.Replace(ctx, key, version, r)
}

func (s *countingStore) Delete(ctx context.Context, key string, version uint64) (bool, error) {
	s.calls = append(s.calls, "Delete")
	return s.Store.Delete(ctx, key, version)
}

// faultyStore is a memory store of which some calls about locks, and not those
// about gates, go wrong. A fault returns the error of the call; done says
// whether the store does what it was asked all the same.
type faultyStore struct {
	store.Store
	mu    sync.Mutex
	gates map[string]bool // keys of gates, told by their heads
	fault func(method string) (done bool, err error)
	began func(method string)
}

func newFaultyStore() *faultyStore {
	return &faultyStore{Store: memory.New(memory.Config{}), gates: map[string]bool{}}
}

var errLost = errors.New("secret host: connection reset")

// isLock tells records of locks by their length, which those of gates do not have.
func (s *faultyStore) isLock(key string, head []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if head != nil {
		s.gates[key] = len(head) < 60
	}
	return !s.gates[key]
}

func (s *faultyStore) about(method, key string, head []byte) (done bool, err error) {
	if !s.isLock(key, head) {
		return true, nil
	}
	if s.began != nil {
		s.began(method)
	}
	if s.fault == nil {
		return true, nil
	}
	return s.fault(method)
}

func (s *faultyStore) Get(ctx context.Context, key string) (r store.Record, found bool, err error) {
	if _, err := s.about("Get", key, nil); err != nil {
		return store.Record{}, false, err
	}
	return s.Store.Get(ctx, key)
}

func (s *faultyStore) Create(ctx context.Context, key string, r store.Record) (standing store.Record, created bool, err error) {
	done, err := s.about("Create", key, r.Head)
	if done {
		var own error
		if standing, created, own = s.Store.Create(ctx, key, r); err == nil {
			return standing, created, own
		}
	}
	return store.Record{}, false, err
}

func (s *faultyStore) Replace(ctx context.Context, key string, version uint64, r store.Record) (standing store.Record, replaced bool, err error) {
	done, err := s.about("Replace", key, r.Head)
	if done {
		var own error
		if standing, replaced, own = s.Store.Replace(ctx, key, version, r); err == nil {
			return standing, replaced, own
		}
	}
	return store.Record{}, false, err
}

func (s *faultyStore) Delete(ctx context.Context, key string, version uint64) (deleted bool, err error) {
	done, err := s.about("Delete", key, nil)
	if done {
		var own error
		if deleted, own = s.Store.Delete(ctx, key, version); err == nil {
			return deleted, own
		}
	}
	return false, err
}

// failing is a fault of the first n calls of a method.
func failing(method string, n int, done bool, err error) func(string) (bool, error) {
	return func(m string) (bool, error) {
		if m != method || n == 0 {
			return true, nil
		}
		n--
		return done, err
	}
}

// TestALostAnswerIsRecognised: the store did what it was asked, and the answer
// did not arrive.
func TestALostAnswerIsRecognised(t *testing.T) {
	for _, done := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s := newFaultyStore()
			h := protect(t, lock.Config{Store: s}, &documents{})
			s.fault = failing("Create", 1, done, errLost)
			token := take(t, h, "ann", "/a")
			s.fault = failing("Replace", 1, done, errLost)
			assert.Equal(t, 200, do(h, "ann", "LOCK", "/a", "", "Lock-Token", token).Code)
			s.fault = failing("Delete", 1, done, errLost)
			assert.Equal(t, 204, do(h, "ann", "UNLOCK", "/a", "", "Lock-Token", token).Code)
			s.fault = nil
			assert.Equal(t, http.StatusAccepted, do(h, "bob", "PUT", "/a", "x").Code)
		})
	}
}

// TestALockThatNobodyWasToldOfIsTakenBack: it was written, the answer was lost
// twice, and the client was told that there is no lock.
func TestALockThatNobodyWasToldOfIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFaultyStore()
		docs := &documents{}
		h := protect(t, lock.Config{Store: s}, docs)
		var up atomic.Bool
		s.fault = func(method string) (bool, error) {
			if up.Load() {
				return true, nil
			}
			return method == "Create", errLost
		}
		wantProblem(t, do(h, "ann", "LOCK", "/a", ""), 503, problem.KindStoreUnavailable)
		time.Sleep(10 * time.Second) // the store fails over
		up.Store(true)
		time.Sleep(3 * time.Second)
		assert.Equal(t, http.StatusAccepted, do(h, "bob", "PUT", "/a", "x").Code, "not locked by nobody")
		time.Sleep(time.Minute) // what may yet arrive is looked for
	})
}

// TestAClientThatLeavesLeavesNoLock: it goes away while its LOCK is under way.
func TestAClientThatLeavesLeavesNoLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFaultyStore()
		h := protect(t, lock.Config{Store: s}, &documents{})
		ctx, leave := context.WithCancel(t.Context())
		s.began = func(method string) {
			if method == "Create" {
				go leave()
				time.Sleep(time.Second)
				s.began = nil
			}
		}
		s.fault = nil
		w := doIn(ctx, h, "ann", "LOCK", "/a", "")
		assert.NotEqual(t, 200, w.Code)
		time.Sleep(time.Minute)
		assert.Equal(t, http.StatusAccepted, do(h, "bob", "PUT", "/a", "x").Code)
	})
	synctest.Test(t, func(t *testing.T) { // while the store answers that it was written
		s := &slowAnswers{Store: memory.New(memory.Config{})}
		h := protect(t, lock.Config{Store: s}, &documents{})
		ctx, leave := context.WithCancel(t.Context())
		go func() {
			time.Sleep(3 * time.Second) // the gate's answer has come, the lock's not yet
			leave()
		}()
		w := doIn(ctx, h, "ann", "LOCK", "/a", "")
		assert.NotEqual(t, 200, w.Code)
		time.Sleep(time.Minute)
		assert.Equal(t, http.StatusAccepted, do(h, "bob", "PUT", "/a", "x").Code)
	})
}

// slowAnswers writes at once, and answers two seconds later.
type slowAnswers struct{ store.Store }

func (s *slowAnswers) Create(ctx context.Context, key string, r store.Record) (store.Record, bool, error) {
	standing, created, err := s.Store.Create(ctx, key, r)
	time.Sleep(2 * time.Second)
	return standing, created, err
}

// TestALockIsNotGrantedOnceTheGateIsLost: others may be inside that have seen no
// lock.
func TestALockIsNotGrantedOnceTheGateIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFaultyStore()
		h := protect(t, lock.Config{Store: s, MaxRun: time.Second}, &documents{})
		s.fault = nil
		s.began = func(method string) {
			if method == "Create" {
				s.began = nil
				time.Sleep(2 * time.Second)
			}
		}
		s.Store = deaf{s.Store}
		wantProblem(t, do(h, "ann", "LOCK", "/a", ""), 409, problem.KindResourceBusy)
		time.Sleep(time.Minute)
		assert.Equal(t, http.StatusAccepted, do(h, "bob", "PUT", "/a", "x").Code)
	})
}

// deaf is a store that does what it is asked also if nobody waits for it.
type deaf struct{ store.Store }

func (d deaf) Create(ctx context.Context, key string, r store.Record) (store.Record, bool, error) {
	return d.Store.Create(context.WithoutCancel(ctx), key, r)
}

func TestAStoreThatFailsLetsNothingThrough(t *testing.T) {
	for _, fails := range []error{store.ErrUnavailable, store.ErrFull, store.ErrClosed, errLost} {
		for _, c := range []struct{ method, of string }{
			{"PUT", "Get"},
			{"POST", "Get"},
			{"LOCK", "Create"},
			{"LOCK again", "Get"},
			{"LOCK again", "Replace"},
			{"UNLOCK", "Get"},
			{"UNLOCK", "Delete"},
		} {
			synctest.Test(t, func(t *testing.T) {
				s, docs, seen := newFaultyStore(), &documents{}, &observed{}
				h := protect(t, lock.Config{Store: s, Observer: seen}, docs)
				method, fields := c.method, []string(nil)
				if c.method == "LOCK again" || c.method == "UNLOCK" {
					method, _, _ = strings.Cut(c.method, " ")
					fields = []string{"Lock-Token", take(t, h, "ann", "/a")}
				}
				s.fault = failing(c.of, -1, false, fails)
				w := do(h, "ann", method, "/a", "", fields...)
				members := wantProblem(t, w, 503, problem.KindStoreUnavailable)
				assert.Equal(t, true, members["retryable"])
				assert.NotEmpty(t, w.Header().Get("Retry-After"))
				assert.NotContains(t, w.Body.String(), "secret")
				assert.Empty(t, docs.writes())
				last := seen.all()[len(seen.all())-1]
				assert.Equal(t, middleware.EventFailed, last.Kind)
				assert.ErrorIs(t, last.Err, fails)
				time.Sleep(time.Minute)
			})
		}
	}
}

func TestAStoreThatIsFullGrantsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New(memory.Config{MaxRecords: 1}) // for the gate
		docs := &documents{}
		h := protect(t, lock.Config{Store: s}, docs)
		wantProblem(t, do(h, "ann", "LOCK", "/a", ""), 503, problem.KindStoreUnavailable)
		assert.Equal(t, http.StatusAccepted, do(h, "ann", "PUT", "/a", "x").Code, "to write needs no lock")
	})
}

// corrupting hands out the records of locks as spoil makes them.
type corrupting struct {
	store.Store
	spoil func(head []byte) []byte
}

func (s *corrupting) spoiled(r store.Record) store.Record {
	if len(r.Head) >= 60 && s.spoil != nil {
		r.Head = s.spoil(append([]byte(nil), r.Head...))
	}
	return r
}

func (s *corrupting) Get(ctx context.Context, key string) (store.Record, bool, error) {
	r, found, err := s.Store.Get(ctx, key)
	return s.spoiled(r), found, err
}

func (s *corrupting) Create(ctx context.Context, key string, r store.Record) (store.Record, bool, error) {
	r, created, err := s.Store.Create(ctx, key, r)
	return s.spoiled(r), created, err
}

// TestALockThatNobodyCanReadLetsNothingThrough: bits that have turned, or a
// server of the next version that runs beside this one during an upgrade.
func TestALockThatNobodyCanReadLetsNothingThrough(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func([]byte) []byte
		is    error
	}{
		{"next version", func(h []byte) []byte { h[0] = 2; return h }, lease.ErrUnknownVersion},
		{"a bit", func(h []byte) []byte { h[30] ^= 1; return h }, lease.ErrCorrupt},
		{"cut off", func(h []byte) []byte { return h[:len(h)-1] }, lease.ErrCorrupt},
		{"nothing", func([]byte) []byte { return nil }, lease.ErrCorrupt},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, docs, seen := &corrupting{Store: memory.New(memory.Config{})}, &documents{}, &observed{}
				l := layer(t, lock.Config{Store: s, Observer: seen})
				h := l.Handler(docs)
				token := take(t, h, "ann", "/a")
				s.spoil = c.spoil
				for _, method := range []string{"PUT", "LOCK", "UNLOCK"} {
					wantProblem(t, do(h, "ann", method, "/a", "", "Lock-Token", token), 503, problem.KindStoreUnavailable)
				}
				wantProblem(t, do(h, "bob", "PUT", "/a", ""), 503, problem.KindStoreUnavailable)
				wantProblem(t, do(h, "bob", "LOCK", "/a", ""), 503, problem.KindStoreUnavailable)
				assert.Empty(t, docs.writes())
				for _, e := range seen.all()[1:] {
					assert.Equal(t, middleware.EventFailed, e.Kind)
					assert.ErrorIs(t, e.Err, c.is)
				}
				broken, err := l.Break(t.Context(), "/a")
				assert.NoError(t, err)
				assert.True(t, broken, "an operator can end it")
				assert.Equal(t, http.StatusAccepted, do(h, "bob", "PUT", "/a", "x").Code)
			})
		})
	}
}
