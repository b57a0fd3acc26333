package concord_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/lock"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/memory"
)

// Each test here is one arrow of the order of layers, and fails when the two are
// swapped.

// page is a server with one document per path, which knows nothing of Concord.
type page struct {
	mu     sync.Mutex
	texts  map[string]string
	reads  atomic.Int64
	writes atomic.Int64
	slow   time.Duration // of reads, before they look
}

func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		p.reads.Add(1)
		text := p.text(r.URL.Path)
		time.Sleep(p.slow)
		_, _ = io.WriteString(w, text)
		return
	}
	p.writes.Add(1)
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.texts[r.URL.Path] = string(body)
	_, _ = io.WriteString(w, "saved "+string(body))
}

func (p *page) text(path string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.texts[path]
}

func one() *page { return &page{texts: map[string]string{"/d": "one"}} }

var tagOne = etag.Of([]byte("one")).String()

func request(method, body string, fields ...string) *http.Request {
	var content io.Reader // nil, as a server has it, where there is none
	if body != "" {
		content = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, "/d", content)
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	return r
}

func send(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// start sends r from a goroutine of its own.
func start(h http.Handler, r *http.Request) (answer func() *httptest.ResponseRecorder) {
	done := make(chan *httptest.ResponseRecorder, 1)
	go func() { done <- send(h, r) }()
	return func() *httptest.ResponseRecorder { return <-done }
}

// TestRetryOfConditionalPut: the claim is outside of conditions.
func TestRetryOfConditionalPut(t *testing.T) {
	p := one()
	h := newStack(t, concord.Config{}).Handler(p)
	put := func() *http.Request {
		return request(http.MethodPut, "two", "If-Match", tagOne, "Idempotency-Key", "k")
	}
	first, again := send(h, put()), send(h, put())
	assert.Equal(t, http.StatusOK, first.Code)
	assert.Equal(t, http.StatusOK, again.Code)
	assert.Equal(t, first.Body.String(), again.Body.String())
	assert.EqualValues(t, 1, p.writes.Load())
}

// TestRetryOfAWriteUnderALockThatHasEnded: the claim is outside of locks.
func TestRetryOfAWriteUnderALockThatHasEnded(t *testing.T) {
	p := one()
	h := newStack(t, concord.Config{Lock: &lock.Config{}}).Handler(p)
	locked := send(h, request("LOCK", ""))
	require.Equal(t, http.StatusOK, locked.Code, locked.Body)
	token := locked.Header().Get("Lock-Token")
	put := func() *http.Request {
		return request(http.MethodPut, "two", "Lock-Token", token, "Idempotency-Key", "k")
	}
	first := send(h, put())
	require.Equal(t, http.StatusOK, first.Code, first.Body)
	require.Equal(t, http.StatusNoContent, send(h, request("UNLOCK", "", "Lock-Token", token)).Code)
	again := send(h, put())
	assert.Equal(t, http.StatusOK, again.Code, again.Body)
	assert.EqualValues(t, 1, p.writes.Load())
}

// TestStaleBeforeLocked: conditions are outside of locks. Who holds a stale copy
// is told so at once, and not to wait for a lock first.
func TestStaleBeforeLocked(t *testing.T) {
	h := newStack(t, concord.Config{Lock: &lock.Config{}}).Handler(one())
	require.Equal(t, http.StatusOK, send(h, request("LOCK", "")).Code)
	assert.Equal(t, http.StatusPreconditionFailed, send(h, request(http.MethodPut, "two", "If-Match", `"stale"`)).Code)
	assert.Equal(t, http.StatusConflict, send(h, request(http.MethodPut, "two", "If-Match", tagOne)).Code)
}

// TestARefusedWriteEndsNoSharing: locks are outside of collapsing.
func TestARefusedWriteEndsNoSharing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := one()
		p.slow = time.Second
		h := newStack(t, concord.Config{Lock: &lock.Config{}}).Handler(p)
		require.Equal(t, http.StatusOK, send(h, request("LOCK", "")).Code)
		first := start(h, request(http.MethodGet, ""))
		synctest.Wait()
		require.Equal(t, http.StatusConflict, send(h, request(http.MethodPut, "two")).Code)
		second := start(h, request(http.MethodGet, ""))
		assert.Equal(t, "one", first().Body.String())
		assert.Equal(t, "one", second().Body.String())
		assert.EqualValues(t, 1, p.reads.Load())
	})
}

// TestALeadersNotModifiedStaysItsOwn: conditions are outside of collapsing.
func TestALeadersNotModifiedStaysItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := one()
		p.slow = time.Second
		h := newStack(t, concord.Config{}).Handler(p)
		leader := start(h, request(http.MethodGet, "", "If-None-Match", tagOne))
		synctest.Wait()
		follower := start(h, request(http.MethodGet, ""))
		other := start(h, request(http.MethodGet, "", "If-None-Match", `"other"`))
		assert.Equal(t, http.StatusNotModified, leader().Code)
		for _, answer := range []*httptest.ResponseRecorder{follower(), other()} {
			assert.Equal(t, http.StatusOK, answer.Code)
			assert.Equal(t, "one", answer.Body.String())
			assert.Equal(t, tagOne, answer.Header().Get("ETag"))
		}
		assert.EqualValues(t, 1, p.reads.Load())
	})
}

// counting counts the bodies that it hashes.
type counting struct{ sums atomic.Int64 }

func (c *counting) Sum(body []byte) etag.Tag {
	c.sums.Add(1)
	return etag.Of(body)
}

// TestOneHashServesAllFollowers: the tag is made inside of collapsing.
func TestOneHashServesAllFollowers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, hash := one(), &counting{}
		p.slow = time.Second
		h := newStack(t, concord.Config{ETag: etag.Config{Hash: hash}}).Handler(p)
		var answers []func() *httptest.ResponseRecorder
		for range 20 {
			answers = append(answers, start(h, request(http.MethodGet, "")))
		}
		for _, answer := range answers {
			assert.Equal(t, tagOne, answer().Header().Get("ETag"))
		}
		assert.EqualValues(t, 1, p.reads.Load())
		assert.EqualValues(t, 1, hash.sums.Load())
	})
}

// TestAWriteDropsRunsThatBeganBeforeIt, on another Stack made by With, too.
func TestAWriteDropsRunsThatBeganBeforeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := one()
		p.slow = time.Second
		stack := newStack(t, concord.Config{})
		other, err := stack.With(func(c *concord.Config) { c.ETag.MaxBody = 1 << 10 })
		require.NoError(t, err)
		h, writes := stack.Handler(p), other.Handler(p)
		before := start(h, request(http.MethodGet, ""))
		synctest.Wait()
		require.Equal(t, http.StatusOK, send(writes, request(http.MethodPut, "two")).Code)
		after := start(h, request(http.MethodGet, ""))
		assert.Equal(t, "one", before().Body.String())
		assert.Equal(t, "two", after().Body.String())
	})
}

// beginner is a memory store whose transactions write at once, and say in which
// order they ended.
type beginner struct {
	*memory.Store
	commits chan struct{} // holds back each commit until somebody sends
}

type tx struct {
	*beginner
}

func (b *beginner) Begin(context.Context) (store.Tx, error) { return &tx{b}, nil }

func (*tx) Context(ctx context.Context) context.Context { return ctx }
func (*tx) Rollback() error                             { return nil }

func (x *tx) Commit() error {
	<-x.commits
	return nil
}

// TestTheTransactionIsInsideTheGate: a second writer may not pass the check
// before the first one has committed.
func TestTheTransactionIsInsideTheGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := one()
		s := &beginner{Store: memory.New(memory.Config{}), commits: make(chan struct{})}
		h := newStack(t, concord.Config{Store: s, Idempotency: idempotency.Config{Transactional: true}}).Handler(p)
		first := start(h, request(http.MethodPut, "two", "If-Match", tagOne, "Idempotency-Key", "a"))
		synctest.Wait()
		require.EqualValues(t, 1, p.writes.Load(), "the first writer is about to commit")
		second := start(h, request(http.MethodPut, "three", "If-Match", tagOne, "Idempotency-Key", "b"))
		synctest.Wait()
		assert.EqualValues(t, 1, p.writes.Load())
		close(s.commits)
		assert.Equal(t, http.StatusOK, first().Code)
		assert.Equal(t, http.StatusPreconditionFailed, second().Code)
		assert.EqualValues(t, 1, p.writes.Load())
	})
}
