//go:build unix

package redisstore_test

import (
	"context"
	"encoding/binary"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/internal/testserver"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/redisstore"
)

// value is the bytes of a record, as the scripts write them.
func value(state byte, version uint64, written, deadline time.Time, head, body string) string {
	b := []byte{1, state}
	b = binary.BigEndian.AppendUint64(b, version)
	b = binary.BigEndian.AppendUint64(b, uint64(written.UnixMicro()))
	b = binary.BigEndian.AppendUint64(b, uint64(deadline.UnixMicro()))
	b = binary.BigEndian.AppendUint16(b, uint16(len(head)))
	return string(b) + head + body
}

// TestVersionsGrowWhenTheClockIsSetBack plants what a server wrote whose clock
// was ahead by five minutes, and was then set back.
func TestVersionsGrowWhenTheClockIsSetBack(t *testing.T) {
	client, c := newClient(t, testserver.Redis(t)), redisstore.Config{Prefix: newPrefix()}
	s, ctx := newStore(t, client, c), context.Background()
	ahead := time.Now().Add(5 * time.Minute)
	last := uint64(ahead.UnixMicro())
	for key, planted := range map[string]string{
		"deleted": value(0, last, ahead, ahead, "", ""),
		"expired": value(1, last, ahead.Add(-time.Hour), time.Now().Add(-time.Second), "head", "body"),
	} {
		require.NoError(t, client.Set(ctx, c.Prefix+key, planted, time.Minute).Err())
		_, found, err := s.Get(ctx, key)
		require.NoError(t, err)
		require.False(t, found, key)
		r := mustCreate(t, s, key, record("next"))
		assert.Equal(t, last+1, r.Version, key)
		assert.Equal(t, last+2, mustReplace(t, s, key, r.Version, record("next")).Version, key)
	}
	require.NoError(t, client.Set(ctx, c.Prefix+"stands", value(1, last, ahead, ahead.Add(time.Hour), "head", "body"), time.Hour).Err())
	r, found, err := s.Get(ctx, "stands")
	require.NoError(t, err)
	require.True(t, found)
	assert.Zero(t, r.Age, "it is not older than nothing")
	assert.Equal(t, last+1, mustReplace(t, s, "stands", last, record("next")).Version)
}

func TestVersionsFollowTheServersClock(t *testing.T) {
	client := newClient(t, testserver.Redis(t))
	s, ctx := newStore(t, client, redisstore.Config{}), context.Background()
	before, err := client.Time(ctx).Result()
	require.NoError(t, err)
	r := mustCreate(t, s, "key", record("nonce"))
	after, err := client.Time(ctx).Result()
	require.NoError(t, err)
	assert.GreaterOrEqual(t, r.Version, uint64(before.UnixMicro()))
	assert.LessOrEqual(t, r.Version, uint64(after.UnixMicro()))
}

// TestKeysOutliveTheirRecordsByTheGracePeriod looks at how long the server keeps
// each key, since nothing else remembers its last version.
func TestKeysOutliveTheirRecordsByTheGracePeriod(t *testing.T) {
	client, c := newClient(t, testserver.Redis(t)), redisstore.Config{Prefix: newPrefix()}
	s, ctx := newStore(t, client, c), context.Background()
	kept := func(want time.Duration) {
		t.Helper()
		left, err := client.PTTL(ctx, c.Prefix+"key").Result()
		require.NoError(t, err)
		assert.InDelta(t, want.Seconds(), left.Seconds(), 20)
	}
	r := mustCreate(t, s, "key", store.Record{Body: make([]byte, 1000), TTL: time.Hour})
	kept(time.Hour + store.Grace)
	r = mustReplace(t, s, "key", r.Version, store.Record{Body: make([]byte, 1000), TTL: 2 * time.Hour})
	kept(2*time.Hour + store.Grace)
	deleted, err := s.Delete(ctx, "key", r.Version)
	require.NoError(t, err)
	require.True(t, deleted)
	kept(store.Grace)
	size, err := client.StrLen(ctx, c.Prefix+"key").Result()
	require.NoError(t, err)
	assert.EqualValues(t, 28+56, size, "the version is kept, and what a late Create is known by")

	mustCreate(t, s, "key", store.Record{TTL: 1})
	kept(store.Grace)
	mustCreate(t, s, "longest", store.Record{TTL: math.MaxInt64})
	left, err := client.PTTL(ctx, c.Prefix+"longest").Result()
	require.NoError(t, err)
	assert.Greater(t, left, 149*365*24*time.Hour)
}

// TestCorruptIsNotAbsent plants what no script wrote: every method fails, and
// writes nothing.
func TestCorruptIsNotAbsent(t *testing.T) {
	client, c := newClient(t, testserver.Redis(t)), redisstore.Config{Prefix: newPrefix()}
	s, ctx := newStore(t, client, c), context.Background()
	now := time.Now()
	good := value(1, uint64(now.UnixMicro()), now, now.Add(time.Hour), "head", "body")
	future := []byte(good)
	future[0] = 2
	for name, planted := range map[string]string{
		"nothing at all":                "",
		"a word":                        "hello",
		"cut off in front of its head":  good[:27],
		"cut off within its head":       good[:30],
		"a format to come":              string(future),
		"no state that there is":        value(3, uint64(now.UnixMicro()), now, now.Add(time.Hour), "", ""),
		"no version":                    value(1, 0, now, now.Add(time.Hour), "", ""),
		"more than Lua's numbers hold":  value(1, 1<<53, now, now.Add(time.Hour), "", ""),
		"the largest version there is":  value(1, math.MaxUint64, now, now.Add(time.Hour), "", ""),
		"dropped, and with a body":      value(2, 5, now, now.Add(time.Hour), "head", "body"),
		"a head that is over the limit": value(1, 5, now, now.Add(time.Hour), string(make([]byte, store.MaxHead+1)), ""),
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, client.Set(ctx, c.Prefix+"key", planted, time.Minute).Err())
			everyMethodFails(t, s, "key", 5, redisstore.ErrCorrupt)
			now, err := client.Get(ctx, c.Prefix+"key").Result()
			require.NoError(t, err)
			assert.Equal(t, planted, now)
		})
	}
	t.Run("another type", func(t *testing.T) {
		require.NoError(t, client.HSet(ctx, c.Prefix+"hash", "a", "b").Err())
		everyMethodFails(t, s, "hash", 5, redisstore.ErrCorrupt)
	})
}

// everyMethodFails calls each with an error that is want.
func everyMethodFails(t *testing.T, s *redisstore.Store, key string, version uint64, want error) {
	t.Helper()
	ctx := context.Background()
	_, found, err := s.Get(ctx, key)
	require.ErrorIs(t, err, want)
	require.False(t, found)
	_, created, err := s.Create(ctx, key, record("late"))
	require.ErrorIs(t, err, want)
	require.False(t, created)
	_, replaced, err := s.Replace(ctx, key, version, record("late"))
	require.ErrorIs(t, err, want)
	require.False(t, replaced)
	deleted, err := s.Delete(ctx, key, version)
	require.ErrorIs(t, err, want)
	require.False(t, deleted)
	require.ErrorIs(t, s.Watch(ctx, key, version), want)
}

// TestScriptsAreSentAgainToAServerThatLostThem has the server forget them before
// each call, as one does that was restarted or put in a master's place.
func TestScriptsAreSentAgainToAServerThatLostThem(t *testing.T) {
	url, _ := testserver.PrivateRedis(t, "--appendfsync", "no") // its scripts are everybody's
	client := newClient(t, url)
	s, ctx := newStore(t, client, redisstore.Config{}), context.Background()
	flush := func() { require.NoError(t, client.ScriptFlush(ctx).Err()) }
	for i := range 3 {
		key := strconv.Itoa(i)
		flush()
		r := mustCreate(t, s, key, record("one"))
		flush()
		r = mustReplace(t, s, key, r.Version, record("two"))
		flush()
		got, found, err := s.Get(ctx, key)
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, "two", string(got.Head))
		flush()
		deleted, err := s.Delete(ctx, key, r.Version)
		require.NoError(t, err)
		require.True(t, deleted)
		flush()
		require.NoError(t, s.Watch(ctx, key, r.Version))
	}
}

// TestRESP2 speaks the older protocol, in which some proxies still do.
func TestRESP2(t *testing.T) {
	s := newStore(t, newClient(t, testserver.Redis(t), func(o *redis.Options) { o.Protocol = 2 }), redisstore.Config{})
	first := mustCreate(t, s, "key", record("one"))
	standing, created, err := s.Create(context.Background(), "key", record("two"))
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, first.Version, standing.Version)
	require.Equal(t, "body of one", string(standing.Body))
	woken := watching(t, s, "key", first.Version)
	mustReplace(t, s, "key", first.Version, record("three"))
	require.NoError(t, <-woken)
}
