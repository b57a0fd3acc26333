package natsstore

import (
	"bytes"
	"encoding/base64"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
)

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	for name, r := range map[string]store.Record{
		"both":       {Head: []byte("head"), Body: []byte("body"), TTL: time.Hour},
		"neither":    {Head: []byte{}, Body: []byte{}, TTL: 1},
		"dropped":    {Head: []byte("head"), Body: []byte{}, Dropped: true, TTL: time.Second},
		"the most":   {Head: bytes.Repeat([]byte{0xff}, store.MaxHead), Body: []byte{0}, TTL: math.MaxInt64},
		"body alone": {Head: []byte{}, Body: []byte("body"), TTL: time.Hour},
	} {
		got, err := decode(encode(r))
		require.NoError(t, err, name)
		assert.Equal(t, r, got, name)
	}
}

// TestDamageIsSeen: whichever bit is turned, and wherever it is cut off.
func TestDamageIsSeen(t *testing.T) {
	whole := encode(store.Record{Head: []byte("head"), Body: []byte("body"), TTL: time.Hour})
	for i := range whole {
		_, err := decode(whole[:i])
		require.ErrorIs(t, err, ErrCorrupt, "cut off at %d", i)
		for bit := range 8 {
			damaged := bytes.Clone(whole)
			damaged[i] ^= 1 << bit
			_, err := decode(damaged)
			require.ErrorIs(t, err, ErrCorrupt, "bit %d of byte %d", bit, i)
		}
	}
}

// FuzzDecode: what can be read is what was written, byte for byte.
func FuzzDecode(f *testing.F) {
	f.Add(encode(store.Record{Head: []byte("head"), Body: []byte("body"), TTL: time.Hour}))
	f.Add(encode(store.Record{Dropped: true, TTL: 1}))
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) >= prefixBytes { // the fuzzer will not find the checksum by itself
			sum := checksum(p)
			p[12], p[13], p[14], p[15] = byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum)
		}
		r, err := decode(p)
		if err != nil {
			require.ErrorIs(t, err, ErrCorrupt)
			return
		}
		require.Positive(t, r.TTL)
		require.LessOrEqual(t, len(r.Head), store.MaxHead)
		require.Equal(t, p, encode(r))
	})
}

func TestTombstones(t *testing.T) {
	for header, want := range map[string]bool{
		"NATS/1.0\r\nKV-Operation: DEL\r\n\r\n":          true,
		"NATS/1.0\r\nKV-Operation: PURGE\r\n\r\n":        true,
		"NATS/1.0\r\nNats-Marker-Reason: MaxAge\r\n\r\n": true,
		"NATS/1.0\r\nNats-TTL: 3\r\n\r\n":                false,
		"NATS/1.0\r\nKV-Operation: PUT\r\n\r\n":          false,
		"KV-Operation: DEL":                              false,
		"":                                               false,
	} {
		assert.Equal(t, want, (&stored{Header: []byte(header)}).tombstone(), "%q", header)
		assert.False(t, (&stored{Header: []byte(header), Data: []byte("d")}).tombstone(), "%q with a payload", header)
	}
}

func TestTheServerKeepsMessagesLongEnough(t *testing.T) {
	for _, c := range []struct {
		ttl, grace time.Duration
		want       string
	}{
		{1, 1, "1"},
		{0, store.Grace, "600"},
		{time.Second, time.Second, "2"},
		{time.Second + 1, time.Second, "3"},
		{time.Hour, store.Grace, "4200"},
		{math.MaxInt64, store.Grace, "3153600600"},
		{math.MaxInt64, math.MaxInt64, "6307200000"},
	} {
		assert.Equal(t, c.want, seconds(c.ttl, c.grace), "%v and %v", c.ttl, c.grace)
	}
}

func TestTokens(t *testing.T) {
	seen := map[string]string{}
	for _, key := range []string{"a", "A", "a.b", "a*", ">", " ", "\x00", "\xff", "\n", "é", strings.Repeat("\xff", store.MaxKey)} {
		name := token(key)
		assert.NotContains(t, seen, name, "%q and %q", key, seen[name])
		seen[name] = key
		assert.False(t, strings.ContainsAny(name, ".*> \t\r\n\x00"), name)
		back, err := base64.RawURLEncoding.DecodeString(name)
		require.NoError(t, err)
		assert.Equal(t, key, string(back))
		assert.LessOrEqual(t, len(name), 683)
	}
}
