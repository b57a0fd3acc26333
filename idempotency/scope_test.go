package idempotency

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestStorageKeyStaysTheSame: another construction would lose every outcome that
// is stored, and every retry under way would run again. It needs another label.
func TestStorageKeyStaysTheSame(t *testing.T) {
	want := sha256.Sum256([]byte("concord idempotency 1" +
		"\x00\x00\x00\x00\x00\x00\x00\x04shop" +
		"\x00\x00\x00\x00\x00\x00\x00\x05alice" +
		"\x00\x00\x00\x00\x00\x00\x00\x02k1"))
	assert.Equal(t, string(want[:]), newScope("shop").storageKey("alice", "k1"))
	assert.Equal(t, "a4854aee72e0d8da5a10f90646d5019f77c35b6ad224ab96e200fc1e0fdfb407", reference(newScope("shop").storageKey("alice", "k1")))
}

func TestStorageKeyTellsApart(t *testing.T) {
	tests := []struct{ namespace, principal, key string }{
		{"", "", ""},
		{"a", "", ""},
		{"", "a", ""},
		{"", "", "a"},
		{"ab", "c", "d"},
		{"a", "bc", "d"},
		{"a", "b", "cd"},
		{"abcd", "", ""},
		{"", "abcd", ""},
		{"", "", "abcd"},
		{"a", "b", "CD"},
		{"\x00", "", ""},
		{"", "\x00", ""},
		{"", "\x00\x00\x00\x00\x00\x00\x00\x01a", ""},
		{"", "", "\x00\x00\x00\x00\x00\x00\x00\x01a"},
		{"\x00\x00\x00\x00\x00\x00\x00\x01a", "", ""},
		{"", strings.Repeat("a", 1<<10), ""},
		{"", strings.Repeat("a", 1<<10+1), ""},
		{strings.Repeat("a", 1<<10), "", ""},
	}
	seen := map[string]int{}
	for i, test := range tests {
		key := newScope(test.namespace).storageKey(test.principal, test.key)
		assert.Len(t, key, sha256.Size)
		assert.Equal(t, key, newScope(test.namespace).storageKey(test.principal, test.key))
		other, known := seen[key]
		assert.False(t, known, "%d and %d share a key", other, i)
		seen[key] = i
	}
}

func TestStorageKeyIsSafeForConcurrentUse(t *testing.T) {
	s := newScope("shop")
	want := s.storageKey("alice", "k1")
	for range 8 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			for range 100 {
				s.storageKey("mallory", "another")
				assert.Equal(t, want, s.storageKey("alice", "k1"))
			}
		})
	}
}

func TestReference(t *testing.T) {
	key := newScope("shop").storageKey("alice", "k1")
	ref := reference(key)
	assert.Regexp(t, "^[0-9a-f]{64}$", ref)
	for name, written := range map[string]string{"as it was written": ref, "in upper case": strings.ToUpper(ref)} {
		got, err := parseReference(written)
		require.NoError(t, err, name)
		assert.Equal(t, key, got, name)
	}
	for name, wrong := range map[string]string{
		"nothing":                 "",
		"one digit less":          ref[1:],
		"one octet less":          ref[2:],
		"one digit more":          ref + "0",
		"one octet more":          ref + "00",
		"another character":       ref[:63] + "g",
		"a line feed":             ref + "\n",
		"a line feed inside":      ref[:63] + "\n",
		"blanks around":           " " + ref[2:] + " ",
		"a prefix":                "0x" + ref[2:],
		"a key of the store":      key,
		"a mebibyte":              strings.Repeat("0", 1<<20),
		"twice as it was written": hex.EncodeToString([]byte(ref)),
	} {
		got, err := parseReference(wrong)
		assert.Equal(t, errReference, err, name)
		assert.Empty(t, got, name)
	}
}

var sinkText string

func TestStorageKeyAllocatesOnce(t *testing.T) {
	s := newScope("a namespace of the usual length")
	key := strings.Repeat("k", maxKeyLength)
	principal := strings.Repeat("p", 43) // what ByAuthorization returns
	assert.InDelta(t, 1, testing.AllocsPerRun(100, func() { sinkText = s.storageKey(principal, key) }), 0)
}

func BenchmarkStorageKey(b *testing.B) {
	s := newScope("shop")
	b.ReportAllocs()
	for b.Loop() {
		sinkText = s.storageKey("principal-of-forty-three-characters-in-base64", "8e03978e-40d5-43dd-bc93-6894a57f9324")
	}
}

func BenchmarkReference(b *testing.B) {
	key := newScope("shop").storageKey("alice", "k1")
	b.ReportAllocs()
	for b.Loop() {
		sinkText = reference(key)
	}
}
