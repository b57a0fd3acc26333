package servertest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/natsstore"
)

// player plays the leader of a stream, with one key, as a real one answers. What
// it was can be put back, as if another had led since: real servers are like that
// for a few seconds after a partition, when nobody can say.
type player struct {
	conn *nats.Conn

	mu       sync.Mutex
	subject  string
	last     uint64 // the last sequence of the stream
	sequence uint64 // of the key's message; 0: there is none
	data     []byte
	header   []byte
}

// play returns a player of a bucket, and a store on it.
func play(t *testing.T) (*player, *natsstore.Store) {
	t.Helper()
	conn := Connect(t, Start(t, func(o *server.Options) { o.JetStream = false }))
	p := &player{conn: conn, subject: subject("played", "a2V5"), last: 100} // "key"
	for subject, answer := range map[string]func(*nats.Msg) string{
		"$JS.API.STREAM.MSG.GET.KV_played": p.get,
		"$JS.API.STREAM.INFO.KV_played":    p.info,
		p.subject:                          p.put,
	} {
		_, err := conn.Subscribe(subject, func(m *nats.Msg) {
			p.mu.Lock()
			defer p.mu.Unlock()
			_ = m.Respond([]byte(answer(m)))
		})
		require.NoError(t, err)
	}
	s, err := natsstore.New(natsstore.Config{Conn: conn, Bucket: "played", Timeout: 200 * time.Millisecond})
	require.NoError(t, err)
	return p, s
}

func (p *player) get(*nats.Msg) string {
	if p.sequence == 0 {
		return `{"error":{"code":404,"err_code":10037,"description":"no message found"}}`
	}
	m, _ := json.Marshal(map[string]any{"seq": p.sequence, "data": p.data, "hdrs": p.header, "time": time.Now()})
	return fmt.Sprintf(`{"message":%s}`, m)
}

func (p *player) info(*nats.Msg) string {
	subjects := map[string]int{}
	if p.sequence != 0 {
		subjects[p.subject] = 1
	}
	said, _ := json.Marshal(map[string]any{
		"ts": time.Now(), "config": map[string]any{"num_replicas": 3},
		"state": map[string]any{"last_seq": p.last, "subjects": subjects},
	})
	return string(said)
}

func (p *player) put(m *nats.Msg) string {
	if last, err := strconv.ParseUint(m.Header.Get("Nats-Expected-Last-Subject-Sequence"), 10, 64); err != nil || last != p.sequence {
		return fmt.Sprintf(`{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: %d"}}`, p.sequence)
	}
	p.last++
	p.sequence, p.data, p.header = p.last, m.Data, nil
	if len(m.Data) == 0 {
		p.header = []byte("NATS/1.0\r\nKV-Operation: " + m.Header.Get("KV-Operation") + "\r\n\r\n")
	}
	return fmt.Sprintf(`{"stream":"KV_played","seq":%d}`, p.last)
}

// now returns what puts back what is so now.
func (p *player) now() (back func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	last, sequence, data, header := p.last, p.sequence, p.data, p.header
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.last, p.sequence, p.data, p.header = last, sequence, data, header
	}
}

// ownerIsToldNothing checks that no method gives the owner of a version a
// definite answer: where the store asks, they know less than it does.
func ownerIsToldNothing(t *testing.T, s *natsstore.Store, version uint64) {
	t.Helper()
	shown, found, err := s.Get(t.Context(), "key")
	require.ErrorIs(t, err, store.ErrUnavailable, "%v, %q", found, shown.Head)
	_, replaced, err := s.Replace(t.Context(), "key", version, record("next", time.Hour))
	require.ErrorIs(t, err, store.ErrUnavailable, "%v", replaced)
	deleted, err := s.Delete(t.Context(), "key", version)
	require.ErrorIs(t, err, store.ErrUnavailable, "%v", deleted)
	shown, found, err = s.Get(t.Context(), "key")
	require.ErrorIs(t, err, store.ErrUnavailable, "a write that failed has it forget nothing: %v, %q", found, shown.Head)
}

// TestTheOwnerAtALeaderThatIsBehind is told that the store is unavailable, and
// neither that another has the record nor that there is none.
func TestTheOwnerAtALeaderThatIsBehind(t *testing.T) {
	p, s := play(t)
	none := p.now()
	r, created, err := s.Create(t.Context(), "key", record("first", time.Hour))
	require.NoError(t, err)
	require.True(t, created)
	first := p.now()
	r, replaced, err := s.Replace(t.Context(), "key", r.Version, record("second", time.Hour))
	require.NoError(t, err)
	require.True(t, replaced)
	second := p.now()

	for what, back := range map[string]func(){"an older version": first, "none": none} {
		t.Run(what, func(t *testing.T) {
			back()
			ownerIsToldNothing(t, s, r.Version)
			second()
			shown, found, err := s.Get(t.Context(), "key")
			require.NoError(t, err)
			require.True(t, found)
			require.Equal(t, r.Version, shown.Version)
		})
	}
}

// TestTheDeletedAtALeaderThatIsBehind does not come back, and is not written over
// there.
func TestTheDeletedAtALeaderThatIsBehind(t *testing.T) {
	p, s := play(t)
	none := p.now()
	r, _, err := s.Create(t.Context(), "key", record("first", time.Hour))
	require.NoError(t, err)
	first := p.now()
	deleted, err := s.Delete(t.Context(), "key", r.Version)
	require.NoError(t, err)
	require.True(t, deleted)
	gone := p.now()
	for what, back := range map[string]func(){"a version": first, "none": none} {
		t.Run(what, func(t *testing.T) {
			back()
			ownerIsToldNothing(t, s, r.Version)
			shown, created, err := s.Create(t.Context(), "key", record("again", time.Hour))
			require.ErrorIs(t, err, store.ErrUnavailable, "%v, %q", created, shown.Head)
			gone()
		})
	}
}

// TestWhatIsGoneForGood is believed to be: it was collected, or removed by the
// bucket's own tools, and the server has seen as much as the store.
func TestWhatIsGoneForGood(t *testing.T) {
	p, s := play(t)
	r, _, err := s.Create(t.Context(), "key", record("first", time.Hour))
	require.NoError(t, err)
	p.mu.Lock()
	p.sequence = 0
	p.mu.Unlock()
	_, found, err := s.Get(t.Context(), "key")
	require.NoError(t, err)
	require.False(t, found)
	again, created, err := s.Create(t.Context(), "key", record("again", time.Hour))
	require.NoError(t, err)
	require.True(t, created)
	require.Greater(t, again.Version, r.Version)
}
