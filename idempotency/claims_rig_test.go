package idempotency_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/store"
)

// Times that the tests of claims count with. They pass in synctest bubbles.
const (
	leaseTime = 10 * time.Second
	stopTime  = 9 * time.Second  // when an owner without an acknowledged renewal stops
	lapseTime = 11 * time.Second // when others may take over from it
	renewTime = leaseTime / 3    // when it renews
	keptTime  = 24 * time.Hour
)

// errCut leaves it open whether the call happened.
var errCut = errors.New("connection reset")

// step is a call of the store.
type step struct {
	method  string // Get, Create, Replace or Delete
	nth     int    // of this method, from 1
	key     string
	version uint64
	record  store.Record
}

// mishap is what befalls a call. The zero value is nothing.
type mishap struct {
	before func(context.Context) error // instead of the step, if it fails
	late   time.Duration               // the call arrives so much later, and its caller never learns it
	gone   bool                        // instead of the step: no, and nothing stands there
	after  func(context.Context) error // instead of the answer, if it fails
	alter  func(*store.Record)         // changes the record of the answer
}

// storeWire is a server's way to the store, on which a test decides what befalls
// each call. It hides whatever the store can do beyond store.Store.
type storeWire struct {
	to store.Store

	mu    sync.Mutex
	steps []step
	count map[string]int
	plan  func(step) mishap
	down  bool
}

func newStoreWire(to store.Store) *storeWire { return &storeWire{to: to, count: map[string]int{}} }

// befall sets what befalls the calls that are sent from now on.
func (w *storeWire) befall(plan func(step) mishap) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.plan = plan
}

// cut makes every call fail from now on, or none.
func (w *storeWire) cut(down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = down
}

// calls is how often a method was called so far.
func (w *storeWire) calls(method string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count[method]
}

// keys are the keys that were written so far, in their order.
func (w *storeWire) keys() (all []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := map[string]bool{}
	for _, s := range w.steps {
		if !seen[s.key] {
			seen[s.key] = true
			all = append(all, s.key)
		}
	}
	return all
}

func (w *storeWire) carry(ctx context.Context, s step, do func(context.Context) (store.Record, bool, error)) (store.Record, bool, error) {
	w.mu.Lock()
	w.count[s.method]++
	s.nth = w.count[s.method]
	w.steps = append(w.steps, s)
	var m mishap
	if w.plan != nil {
		m = w.plan(s)
	}
	down := w.down
	w.mu.Unlock()
	if down {
		return store.Record{}, false, errCut
	}
	if m.before != nil {
		if err := m.before(ctx); err != nil {
			return store.Record{}, false, err
		}
	}
	if m.late > 0 {
		time.AfterFunc(m.late, func() { _, _, _ = do(context.WithoutCancel(ctx)) })
		return store.Record{}, false, hanging(ctx)
	}
	if m.gone {
		return store.Record{}, false, nil
	}
	r, ok, err := do(ctx)
	if m.after != nil {
		if err := m.after(ctx); err != nil {
			return store.Record{}, false, err
		}
	}
	if m.alter != nil && err == nil {
		m.alter(&r)
	}
	return r, ok, err
}

func (w *storeWire) Get(ctx context.Context, key string) (store.Record, bool, error) {
	return w.carry(ctx, step{method: "Get", key: key}, func(ctx context.Context) (store.Record, bool, error) {
		return w.to.Get(ctx, key)
	})
}

func (w *storeWire) Create(ctx context.Context, key string, r store.Record) (store.Record, bool, error) {
	return w.carry(ctx, step{method: "Create", key: key, record: r}, func(ctx context.Context) (store.Record, bool, error) {
		return w.to.Create(ctx, key, r)
	})
}

func (w *storeWire) Replace(ctx context.Context, key string, version uint64, r store.Record) (store.Record, bool, error) {
	return w.carry(ctx, step{method: "Replace", key: key, version: version, record: r}, func(ctx context.Context) (store.Record, bool, error) {
		return w.to.Replace(ctx, key, version, r)
	})
}

func (w *storeWire) Delete(ctx context.Context, key string, version uint64) (bool, error) {
	_, ok, err := w.carry(ctx, step{method: "Delete", key: key, version: version}, func(ctx context.Context) (store.Record, bool, error) {
		ok, err := w.to.Delete(ctx, key, version)
		return store.Record{}, ok, err
	})
	return ok, err
}

// watches is a wire through which a server can also watch the store.
type watches struct {
	*storeWire
	store.Watcher
}

// begins is one through which it can begin transactions too. What is done in
// those does not go by the wire.
type begins struct {
	*storeWire
	store.Watcher
	store.Beginner
}

type beginner interface {
	store.Store
	store.Watcher
	store.Beginner
}

// on lets m befall the nth call of a method, counted over the life of the wire.
func on(method string, m mishap, nth ...int) func(step) mishap {
	return func(s step) mishap {
		if s.method != method {
			return mishap{}
		}
		for _, n := range nth {
			if n == s.nth {
				return m
			}
		}
		return mishap{}
	}
}

func broken(context.Context) error { return errCut }

// hanging does not answer before the caller has given up.
func hanging(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// after makes a call take d, whether or not its caller still waits.
func after(d time.Duration) func(context.Context) error {
	return func(context.Context) error {
		time.Sleep(d)
		return nil
	}
}

// then is for something that happens while a call is under way.
func then(do func()) func(context.Context) error {
	return func(context.Context) error {
		do()
		return nil
	}
}

// server is one of several on one store.
type server struct {
	http.Handler
	layer *idempotency.Layer
	wire  *storeWire
	saw   *observer
}

// serverOn makes a server that reaches s by a wire of its own.
func serverOn(t testing.TB, s store.Store, h http.Handler, change ...func(*idempotency.Config)) *server {
	t.Helper()
	v := &server{wire: newStoreWire(s), saw: &observer{}}
	c := idempotency.Config{Store: v.wire, Lease: leaseTime, MaxRun: time.Hour, Observer: v.saw}
	if w, ok := s.(store.Watcher); ok {
		c.Store = &watches{v.wire, w}
	}
	if b, ok := s.(beginner); ok {
		c.Store, c.Transactional = &begins{v.wire, b, b}, true
	}
	for _, f := range change {
		f(&c)
	}
	v.layer = newLayer(t, c)
	v.Handler = v.layer.Handler(h)
	return v
}

func rerun(c *idempotency.Config) { c.Unknown = idempotency.Rerun }

func waiting(d time.Duration) func(*idempotency.Config) {
	return func(c *idempotency.Config) { c.Wait = d }
}

// charged answers that charge n was made.
func charged(w http.ResponseWriter, n int64) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Location", "/payments/1")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]int64{"charge": n})
}

// taking is a till that takes this long for each charge, unless its context
// ends.
func taking(d time.Duration) *till {
	return &till{then: func(w http.ResponseWriter, r *http.Request, n int64) {
		select {
		case <-time.After(d):
			charged(w, n)
		case <-r.Context().Done():
			w.WriteHeader(http.StatusInternalServerError)
		}
	}}
}

// stubborn is taking without an eye on the context.
func stubborn(d time.Duration) *till {
	return &till{then: func(w http.ResponseWriter, _ *http.Request, n int64) {
		time.Sleep(d)
		charged(w, n)
	}}
}

// firstHangs is a till whose first run goes on, whatever its context says, until
// it is told to end, and charges then; later ones charge at once. It ends with
// the test at the latest.
func firstHangs(t *testing.T) (h *till, end context.CancelFunc) {
	held := make(chan struct{})
	h = &till{then: func(w http.ResponseWriter, _ *http.Request, n int64) {
		if n == 1 {
			<-held
		}
		charged(w, n)
	}}
	end = sync.OnceFunc(func() { close(held) })
	t.Cleanup(func() {
		end()
		time.Sleep(time.Minute) // it tries to record how it went
	})
	return h, end
}

// pending is a request under way.
type pending struct {
	w    *httptest.ResponseRecorder
	done chan struct{}
	took time.Duration
}

// start sends r and does not wait for the answer.
func start(h http.Handler, r *http.Request) *pending { return newPending().start(h, r) }

func newPending() *pending { return &pending{w: httptest.NewRecorder(), done: make(chan struct{})} }

func (p *pending) start(h http.Handler, r *http.Request) *pending {
	began := time.Now()
	go func() {
		defer close(p.done)
		h.ServeHTTP(p.w, r)
		p.took = time.Since(began)
	}()
	return p
}

// recovering ends the panic of a handler, as servers do.
type recovering struct{ http.Handler }

func (h recovering) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() { _ = recover() }()
	h.Handler.ServeHTTP(w, r)
}

// answer waits for the answer.
func (p *pending) answer() *httptest.ResponseRecorder {
	<-p.done
	return p.w
}

// over reports whether the answer is there.
func (p *pending) over() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// replayed reports whether w is marked as the outcome of an earlier request.
func replayed(w *httptest.ResponseRecorder) bool {
	return w.Header().Get(idempotency.DefaultReplayField) == "true"
}

// leaving is r with a client that hangs up when leave is called.
func leaving(r *http.Request) (gone *http.Request, leave context.CancelFunc) {
	ctx, cancel := context.WithCancel(r.Context())
	return r.WithContext(ctx), cancel
}
