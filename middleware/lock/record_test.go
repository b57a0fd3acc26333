package lock

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/lease"
)

const someKey = "the key of a lock"

func someLock() standing {
	return standing{fence: 7, token: token{6: 0x40, 8: 0x80, 15: 9}, owner: digest{1, 2, 3}, holder: "Ann Ünicode"}
}

func TestARecordSaysWhatWasWritten(t *testing.T) {
	for _, holder := range []string{"", "Ann", strings.Repeat("x", MaxHolder)} {
		s := someLock()
		s.holder = holder
		head := s.encode(someKey)
		require.LessOrEqual(t, len(head), store.MaxHead)
		got, err := decode(someKey, store.Record{Head: head, TTL: time.Minute, Version: 9})
		require.NoError(t, err)
		assert.WithinDuration(t, time.Now().Add(time.Minute), got.expires, time.Second)
		assert.Equal(t, time.Minute, got.ttl)
		got.expires, got.ttl = time.Time{}, 0
		s.version = 9
		assert.Equal(t, s, got)
	}
}

func TestTheFirstRecordsOwnVersionIsTheFencingToken(t *testing.T) {
	s := someLock()
	s.fence = 0
	got, err := decode(someKey, store.Record{Head: s.encode(someKey), Version: 9})
	require.NoError(t, err)
	assert.EqualValues(t, 9, got.fence)
	renewed, err := decode(someKey, store.Record{Head: got.encode(someKey), Version: 12})
	require.NoError(t, err)
	assert.EqualValues(t, 9, renewed.fence)
	assert.EqualValues(t, 12, renewed.version)
}

func TestWhatIsNoRecordOfALock(t *testing.T) {
	change := func(change func(*standing)) []byte {
		s := someLock()
		change(&s)
		return s.encode(someKey)
	}
	good := someLock().encode(someKey)
	for name, head := range map[string][]byte{
		"nothing":                      nil,
		"one byte":                     {format},
		"cut off":                      good[:len(good)-1],
		"too long":                     append(append([]byte(nil), good...), 0),
		"of another key":               someLock().encode("another"),
		"of a version yet to come":     change(func(s *standing) { s.fence = 10 }),
		"of a token that is not drawn": change(func(s *standing) { s.token[6] = 0x10 }),
		"of a text that is none":       change(func(s *standing) { s.holder = "\xff" }),
	} {
		_, err := decode(someKey, store.Record{Head: head, Version: 9})
		assert.ErrorIs(t, err, lease.ErrCorrupt, name)
		assert.NotErrorIs(t, err, lease.ErrUnknownVersion, name)
	}
	for i := range good {
		for bit := range 8 {
			bad := append([]byte(nil), good...)
			bad[i] ^= 1 << bit
			_, err := decode(someKey, store.Record{Head: bad, Version: 9})
			assert.ErrorIs(t, err, lease.ErrCorrupt, "bit %d of byte %d", bit, i)
		}
	}
	_, err := decode(someKey, store.Record{Head: append([]byte{2}, good[1:]...), Version: 9})
	assert.ErrorIs(t, err, lease.ErrUnknownVersion)
}

func TestWhatIsShownIsBoundedText(t *testing.T) {
	for given, want := range map[string]string{
		"":                                     "",
		"Ann":                                  "Ann",
		"A\xffnn\xfe\xfd":                      "A?nn?",
		strings.Repeat("x", MaxHolder+1):       strings.Repeat("x", MaxHolder),
		strings.Repeat("x", MaxHolder-1) + "ü": strings.Repeat("x", MaxHolder-1),
		strings.Repeat("x", MaxHolder-2) + "ü": strings.Repeat("x", MaxHolder-2) + "ü",
		strings.Repeat("x", MaxHolder-3) + "🙂":   strings.Repeat("x", MaxHolder-3),
		strings.Repeat("\x80", MaxHolder+100):    "?",
		strings.Repeat("ü", MaxHolder):           strings.Repeat("ü", MaxHolder/2),
		strings.Repeat("\xff", MaxHolder) + "zz": "?",
	} {
		got := shown(given)
		assert.Equal(t, want, got)
		assert.LessOrEqual(t, len(got), MaxHolder)
		assert.True(t, utf8.ValidString(got))
	}
}

func TestKeysOfLocksAreTheirOwn(t *testing.T) {
	keys := map[string]string{}
	for _, c := range [][2]string{{"", "ab"}, {"a", "b"}, {"ab", ""}, {"", "ab\x00"}, {"b", "a"}} {
		l := &Layer{prefix: keyPrefix(c[0])}
		key := l.storageKey(c[1])
		assert.NotContains(t, keys, key, "%q", c)
		keys[key] = c[1]
		assert.Equal(t, key, l.storageKey(c[1]))
		long := l.storageKey(strings.Repeat("x", 1<<16))
		assert.Len(t, long, 32)
	}
	one, err := ownerOf("key one", "ann")
	require.NoError(t, err)
	other, err := ownerOf("key two", "ann")
	require.NoError(t, err)
	assert.NotEqual(t, one, other, "the store does not show who has several locks")
	_, err = ownerOf("key", "")
	assert.Error(t, err)
}

// FuzzDecode: whatever it accepts is what encode makes, byte for byte, and it
// holds on to nothing else. The checksum is made good, or the fuzzer would see
// nothing but it.
func FuzzDecode(f *testing.F) {
	f.Add(someLock().encode(someKey), uint64(9))
	f.Add([]byte{}, uint64(0))
	f.Add([]byte{2}, uint64(1))
	f.Add(make([]byte, holderAt+sumSize), uint64(1))
	f.Add(standing{token: newToken(), holder: strings.Repeat("x", MaxHolder)}.encode(someKey), uint64(1))
	f.Fuzz(func(t *testing.T, head []byte, version uint64) {
		if end := len(head) - sumSize; end >= 0 {
			head = binary.BigEndian.AppendUint32(append([]byte(nil), head[:end]...), sum(someKey, head[:end]))
		}
		s, err := decode(someKey, store.Record{Head: head, Version: version, TTL: time.Second})
		if err != nil {
			require.ErrorIs(t, err, lease.ErrCorrupt)
			require.Equal(t, standing{}, s)
			return
		}
		require.LessOrEqual(t, s.fence, version)
		require.Equal(t, version, s.version)
		if binary.BigEndian.Uint64(head[acquiredAt:]) == 0 {
			s.fence = 0
		}
		require.Equal(t, head, s.encode(someKey))
	})
}
