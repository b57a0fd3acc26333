package servertest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/natsstore"
)

// subject is where the record of a key lies, in a bucket.
func subject(bucket, token string) string { return "$KV." + bucket + "." + token }

// TestCorruptRecord: what is no record is an error to every method, and never
// taken for absent.
func TestCorruptRecord(t *testing.T) {
	conn := ConnectURL(t, address(t))
	s, name := openNamed(t, natsstore.Config{Conn: conn})
	for what, payload := range map[string][]byte{
		"empty": {}, "text": []byte("somebody else's"), "a format to come": append([]byte{2}, make([]byte, 40)...),
	} {
		js, err := jetstream.New(conn)
		require.NoError(t, err)
		ack, err := js.Publish(t.Context(), subject(name, "a2V5"), payload) // "key"
		require.NoError(t, err)
		_, found, err := s.Get(t.Context(), "key")
		require.ErrorIs(t, err, natsstore.ErrCorrupt, what)
		require.False(t, found)
		_, created, err := s.Create(t.Context(), "key", record("r", time.Hour))
		require.ErrorIs(t, err, natsstore.ErrCorrupt, what)
		require.False(t, created)
		_, replaced, err := s.Replace(t.Context(), "key", ack.Sequence, record("r", time.Hour))
		require.ErrorIs(t, err, natsstore.ErrCorrupt, what)
		require.False(t, replaced)
		_, err = s.Delete(t.Context(), "key", ack.Sequence)
		require.ErrorIs(t, err, natsstore.ErrCorrupt, what)
		require.ErrorIs(t, s.Watch(t.Context(), "key", ack.Sequence), natsstore.ErrCorrupt, what)
	}
}

// TestTheBucketsOwnTools can remove a record, and see it.
func TestTheBucketsOwnTools(t *testing.T) {
	conn := ConnectURL(t, address(t))
	s, name := openNamed(t, natsstore.Config{Conn: conn})
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	kv, err := js.KeyValue(t.Context(), name)
	require.NoError(t, err)
	last := uint64(0)
	for what, remove := range map[string]func() error{
		"delete": func() error { return kv.Delete(t.Context(), "a2V5") },
		"purge":  func() error { return kv.Purge(t.Context(), "a2V5") },
		"ours":   func() error { _, err := s.Delete(t.Context(), "key", last); return err },
	} {
		r, created, err := s.Create(t.Context(), "key", record("r", time.Hour))
		require.NoError(t, err, what)
		require.True(t, created, what)
		require.Greater(t, r.Version, last)
		last = r.Version
		entry, err := kv.Get(t.Context(), "a2V5")
		require.NoError(t, err, what)
		require.Equal(t, last, entry.Revision())
		require.NoError(t, remove(), what)
		_, found, err := s.Get(t.Context(), "key")
		require.NoError(t, err, what)
		require.False(t, found, what)
		_, err = kv.Get(t.Context(), "a2V5")
		require.ErrorIs(t, err, jetstream.ErrKeyNotFound, what)
	}
}

// TestALateCreateBringsNothingBack: the tombstone stops a Create that was sent
// before and arrives after.
func TestALateCreateBringsNothingBack(t *testing.T) {
	conn := ConnectURL(t, address(t))
	s, name := openNamed(t, natsstore.Config{Conn: conn})
	var late *nats.Msg
	sub, err := conn.SubscribeSync(subject(name, ">"))
	require.NoError(t, err)
	r, _, err := s.Create(t.Context(), "key", record("r", time.Hour))
	require.NoError(t, err)
	late, err = sub.NextMsg(Patience)
	require.NoError(t, err)
	_, err = s.Delete(t.Context(), "key", r.Version)
	require.NoError(t, err)
	answer, err := conn.RequestMsgWithContext(t.Context(), &nats.Msg{Subject: late.Subject, Header: late.Header, Data: late.Data})
	require.NoError(t, err)
	require.Contains(t, string(answer.Data), "wrong last sequence")
	_, found, err := s.Get(t.Context(), "key")
	require.NoError(t, err)
	require.False(t, found)
}

// TestGarbageIsCollected: what has expired or was deleted leaves the server by
// itself, also what was replaced.
func TestGarbageIsCollected(t *testing.T) {
	conn := ConnectURL(t, address(t))
	s, name := openNamed(t, natsstore.Config{Conn: conn, Grace: time.Millisecond})
	_, _, err := s.Create(t.Context(), "expires", record("r", time.Millisecond))
	require.NoError(t, err)
	r, _, err := s.Create(t.Context(), "deleted", record("r", time.Hour))
	require.NoError(t, err)
	_, err = s.Delete(t.Context(), "deleted", r.Version)
	require.NoError(t, err)
	r, _, err = s.Create(t.Context(), "replaced", record("r", time.Hour))
	require.NoError(t, err)
	_, _, err = s.Replace(t.Context(), "replaced", r.Version, record("r", time.Millisecond))
	require.NoError(t, err)
	stands, _, err := s.Create(t.Context(), "stands", record("r", time.Hour))
	require.NoError(t, err)
	b := stream(t, conn, name)
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		info, err := b.Info(t.Context())
		require.NoError(c, err)
		assert.EqualValues(c, 1, info.State.Msgs)
	}, Patience, 50*time.Millisecond)
	for _, key := range []string{"expires", "deleted", "replaced"} { // whatever the store remembers of them
		next, created, err := s.Create(t.Context(), key, record("again", time.Hour))
		require.NoError(t, err)
		require.True(t, created)
		require.Greater(t, next.Version, stands.Version)
	}
}

// TestOnlyOneHasItsWay: one store knows that a record stands and another that it
// has expired; whoever writes first has it.
func TestOnlyOneHasItsWay(t *testing.T) {
	conn := ConnectURL(t, address(t))
	c := natsstore.Config{Conn: conn}
	owner, name := openNamed(t, c)
	c.Bucket = name
	taker, err := natsstore.New(c)
	require.NoError(t, err)
	r, _, err := owner.Create(t.Context(), "key", record("owner", 200*time.Millisecond))
	require.NoError(t, err)
	require.EventuallyWithT(t, func(k *assert.CollectT) {
		_, created, err := taker.Create(t.Context(), "key", record("taker", time.Hour))
		require.NoError(k, err)
		require.True(k, created)
	}, Patience, 5*time.Millisecond)
	shown, replaced, err := owner.Replace(t.Context(), "key", r.Version, record("late", time.Hour))
	require.NoError(t, err)
	require.False(t, replaced)
	require.Equal(t, "taker", string(shown.Head))
	deleted, err := owner.Delete(t.Context(), "key", r.Version)
	require.NoError(t, err)
	require.False(t, deleted)
}

// TestBodiesTooLarge: Create refuses what can never be kept, Replace drops it;
// whether it is our limit, or that of a server which takes only small messages.
func TestBodiesTooLarge(t *testing.T) {
	small := Start(t, func(o *server.Options) { o.MaxPayload = 8 << 10 })
	for name, c := range map[string]natsstore.Config{
		"ours":         {Conn: ConnectURL(t, address(t)), MaxBody: 1 << 10},
		"the server's": {Conn: Connect(t, small)},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, c)
			large := record("large", time.Hour)
			large.Body = make([]byte, 10<<10)
			_, created, err := s.Create(t.Context(), "key", large)
			require.ErrorIs(t, err, store.ErrTooLarge)
			require.False(t, created)
			r, _, err := s.Create(t.Context(), "key", record("small", time.Hour))
			require.NoError(t, err)
			r, replaced, err := s.Replace(t.Context(), "key", r.Version, large)
			require.NoError(t, err)
			require.True(t, replaced)
			require.True(t, r.Dropped)
			require.Empty(t, r.Body)
			r, _, err = s.Get(t.Context(), "key")
			require.NoError(t, err)
			require.True(t, r.Dropped)
			require.Equal(t, "large", string(r.Head))
		})
	}
	t.Run("neither", func(t *testing.T) {
		s := open(t, natsstore.Config{Conn: ConnectURL(t, address(t))})
		large := record("large", time.Hour)
		large.Body = []byte(strings.Repeat("b", natsstore.DefaultMaxBody))
		_, created, err := s.Create(t.Context(), "key", large)
		require.NoError(t, err)
		require.True(t, created)
		r, _, err := s.Get(t.Context(), "key")
		require.NoError(t, err)
		require.Equal(t, large.Body, r.Body)
	})
}

// TestServerWithoutRoom: when the server itself has no room left, Create is
// refused and a Replace goes without its body; a head that finds none either is
// an outage.
func TestServerWithoutRoom(t *testing.T) {
	s := open(t, natsstore.Config{Conn: Connect(t, Start(t, func(o *server.Options) { o.JetStreamMaxStore = 256 << 10 }))})
	r, _, err := s.Create(t.Context(), "owned", record("owned", time.Hour))
	require.NoError(t, err)
	large := record("large", time.Hour)
	large.Body = make([]byte, 16<<10)
	for i := 0; err == nil; i++ {
		require.Less(t, i, 1000)
		_, _, err = s.Create(t.Context(), strings.Repeat("x", i+1), large)
	}
	require.ErrorIs(t, err, store.ErrFull)
	r, replaced, err := s.Replace(t.Context(), "owned", r.Version, large)
	if errors.Is(err, store.ErrUnavailable) {
		t.Logf("not even the head: %v", err)
		return
	}
	require.NoError(t, err)
	require.True(t, replaced)
	require.True(t, r.Dropped)
}

// TestNoLeaderIsWaitedFor: a server that says that there is no leader is asked
// again, and what it said then does not colour what it says at last.
func TestNoLeaderIsWaitedFor(t *testing.T) {
	conn := Connect(t, Start(t, func(o *server.Options) { o.JetStream = false }))
	s, err := natsstore.New(natsstore.Config{Conn: conn, Bucket: "fake"})
	require.NoError(t, err)
	asked := 0
	_, err = conn.Subscribe("$JS.API.STREAM.MSG.GET.KV_fake", func(m *nats.Msg) {
		answer := `{"error":{"code":503,"err_code":10008,"description":"JetStream system temporarily unavailable"}}`
		if asked++; asked > 2 {
			answer = `{"message":{"subject":"$KV.fake.a2V5","seq":7,"hdrs":"TkFUUy8xLjANCktWLU9wZXJhdGlvbjogREVMDQoNCg=="}}`
		}
		_ = m.Respond([]byte(answer))
	})
	require.NoError(t, err)
	_, found, err := s.Get(t.Context(), "key")
	require.NoError(t, err)
	require.False(t, found)
	require.Equal(t, 3, asked)
}
