package idempotency_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/lease"
	"github.com/concordhttp/concord/store/memory"
)

// spy is a store that remembers what it was given, and fails when it is told
// to. It cannot watch, so those who wait poll.
type spy struct {
	store.Store
	mu         sync.Mutex
	keys       []string
	called     []string
	written    []store.Record
	fail       func(call string) error // asked before each call
	before     func(call string)       // called before each call
	dropBodies bool                    // it is short of room: records come without their bodies
}

func newSpy() *spy { return &spy{Store: memory.New(memory.Config{})} }

// meet is what befalls a call.
func (s *spy) meet(call, key string) error {
	s.mu.Lock()
	s.keys, s.called = append(s.keys, key), append(s.called, call)
	fail, before := s.fail, s.before
	s.mu.Unlock()
	if before != nil {
		before(call)
	}
	if fail != nil {
		return fail(call)
	}
	return nil
}

// calls are the names of the calls so far.
func (s *spy) calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.called...)
}

// room is r, with its body if there is room for it.
func (s *spy) room(r store.Record, ok bool, err error) (store.Record, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dropBodies {
		r.Body, r.Dropped = nil, true
	}
	return r, ok, err
}

func (s *spy) wrote(r store.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written = append(s.written, r)
}

func (s *spy) failWith(fail func(call string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = fail
}

func (s *spy) Get(ctx context.Context, key string) (store.Record, bool, error) {
	if err := s.meet("get", key); err != nil {
		return store.Record{}, false, err
	}
	return s.room(s.Store.Get(ctx, key))
}

func (s *spy) Create(ctx context.Context, key string, r store.Record) (store.Record, bool, error) {
	if err := s.meet("create", key); err != nil {
		return store.Record{}, false, err
	}
	s.wrote(r)
	return s.room(s.Store.Create(ctx, key, r))
}

func (s *spy) Replace(ctx context.Context, key string, version uint64, r store.Record) (store.Record, bool, error) {
	if err := s.meet("replace", key); err != nil {
		return store.Record{}, false, err
	}
	s.wrote(r)
	return s.room(s.Store.Replace(ctx, key, version, r))
}

func (s *spy) Delete(ctx context.Context, key string, version uint64) (bool, error) {
	if err := s.meet("delete", key); err != nil {
		return false, err
	}
	return s.Store.Delete(ctx, key, version)
}

// record returns the record that a reference stands for.
func (s *spy) record(t *testing.T, ref string) store.Record {
	t.Helper()
	r, found, err := s.Store.Get(context.Background(), storageKey(t, ref))
	require.NoError(t, err)
	require.True(t, found)
	return r
}

// put writes a record where a reference points, over the one that stands there.
func (s *spy) put(t *testing.T, ref string, change func(r *store.Record)) (version uint64) {
	t.Helper()
	r := s.record(t, ref)
	version = r.Version
	r.Head, r.Body = append([]byte(nil), r.Head...), append([]byte(nil), r.Body...)
	change(&r)
	standing, replaced, err := s.Store.Replace(context.Background(), storageKey(t, ref), version, store.Record{Head: r.Head, Body: r.Body, TTL: r.TTL})
	require.NoError(t, err)
	require.True(t, replaced)
	return standing.Version
}

// reference is what events call a key of the store.
func reference(storageKey string) string { return hex.EncodeToString([]byte(storageKey)) }

func storageKey(t *testing.T, ref string) string {
	t.Helper()
	key, err := hex.DecodeString(ref)
	require.NoError(t, err)
	return string(key)
}

// noteAt is where, in the head of a record, the note of the layer begins.
const noteAt = store.MaxHead - lease.MaxNote

// bySubject is the principal of a server that authenticates: X-Subject stands
// for what it has found out.
func bySubject(r *http.Request) (string, error) {
	if subject := r.Header.Get("X-Subject"); subject != "" {
		return subject, nil
	}
	return "", middleware.ErrPrincipalUnknown
}

// last returns the last event, of which there must be one.
func (o *observer) last(t *testing.T) middleware.Event {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	require.NotEmpty(t, o.events)
	return o.events[len(o.events)-1]
}

// wantKind fails unless w is a problem of that kind with that status.
func wantKind(t *testing.T, status int, kind problem.Kind, w *httptest.ResponseRecorder) {
	t.Helper()
	require.Equal(t, status, w.Code, w.Body)
	require.Equal(t, kind, kindOf(t, w))
	assert.Empty(t, w.Header().Get("Idempotency-Replayed"), "a refusal is no replay")
}

// member returns a member of the problem that w carries.
func member(t *testing.T, w *httptest.ResponseRecorder, name string) any {
	t.Helper()
	var members map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &members))
	return members[name]
}

// wantReplay fails unless again is first, byte for byte and field for field, and
// says that it is a replay.
func wantReplay(t *testing.T, first, again *httptest.ResponseRecorder) {
	t.Helper()
	require.Equal(t, first.Code, again.Code, again.Body)
	require.Equal(t, first.Body.String(), again.Body.String())
	want, got := first.Result().Header.Clone(), again.Result().Header.Clone()
	require.Empty(t, want["Idempotency-Replayed"], "the first answer is none")
	require.Equal(t, []string{"true"}, got["Idempotency-Replayed"])
	delete(got, "Idempotency-Replayed")
	require.Equal(t, want, got)
}
