package idempotency

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/lease"
)

// gcm returns AES-GCM with a key of 32 times k.
func gcm(t testing.TB, k byte) cipher.AEAD {
	t.Helper()
	block, err := aes.NewCipher(bytes.Repeat([]byte{k}, 32))
	require.NoError(t, err)
	aead, err := cipher.NewGCM(block)
	require.NoError(t, err)
	return aead
}

// ownNonce returns an AEAD that makes its nonces itself.
func ownNonce(t testing.TB, k byte) cipher.AEAD {
	t.Helper()
	block, err := aes.NewCipher(bytes.Repeat([]byte{k}, 32))
	require.NoError(t, err)
	aead, err := cipher.NewGCMWithRandomNonce(block)
	require.NoError(t, err)
	return aead
}

// codecs are the ways to store a record.
func codecs(t testing.TB) map[string]codec {
	return map[string]codec{
		"unsealed":                   newCodec(nil),
		"sealed":                     newCodec([]Sealer{{7, gcm(t, 7)}}),
		"sealed by one of ID zero":   newCodec([]Sealer{{0, gcm(t, 7)}}),
		"sealed with a nonce inside": newCodec([]Sealer{{7, ownNonce(t, 7)}}),
	}
}

func TestKeysAreRotated(t *testing.T) {
	before := newCodec([]Sealer{{1, gcm(t, 1)}})
	between := newCodec([]Sealer{{1, gcm(t, 1)}, {2, gcm(t, 2)}})
	after := newCodec([]Sealer{{2, gcm(t, 2)}, {1, gcm(t, 1)}})
	later := newCodec([]Sealer{{2, gcm(t, 2)}})
	for name, test := range map[string]struct {
		by, read codec
		wrong    string
	}{
		"what is sealed before is read while the new key comes": {before, between, ""},
		"and once it came":                                       {before, after, ""},
		"but not once the old key is dropped":                    {before, later, "sealed with ID 1, of which there is no sealer"},
		"what is sealed with the new key is read where it comes": {after, between, ""},
		"and after":                                     {after, later, ""},
		"but not where it was never heard of":           {after, before, "sealed with ID 2, of which there is no sealer"},
		"nor where another key has its ID":              {before, newCodec([]Sealer{{1, gcm(t, 2)}}), "what sealer 1 did not seal"},
		"nor where nothing is sealed":                   {before, newCodec(nil), "sealed with ID 1, of which there is no sealer"},
		"and what is unsealed not where there are keys": {newCodec(nil), before, "not sealed"},
	} {
		t.Run(name, func(t *testing.T) {
			stored, body := test.by.outcome(nil, someKey, someOutcome, someFields, []byte("hello"))
			n, err := test.read.readNote(someKey, stored)
			if test.wrong != "" {
				require.ErrorIs(t, err, lease.ErrCorrupt)
				require.ErrorContains(t, err, test.wrong)
				return
			}
			require.NoError(t, err)
			back, err := test.read.readBody(someKey, n, body, http.Header{})
			require.NoError(t, err)
			require.Equal(t, "hello", string(back))
		})
	}
}

func TestSealedBodyIsNotReadWhereItsKeyIsNotKnown(t *testing.T) {
	sealing := newCodec([]Sealer{{1, gcm(t, 1)}})
	stored, body := sealing.outcome(nil, someKey, someOutcome, someFields, []byte("hello"))
	n, err := sealing.readNote(someKey, stored)
	require.NoError(t, err)
	for _, c := range []codec{newCodec(nil), newCodec([]Sealer{{2, gcm(t, 1)}})} {
		_, err = c.readBody(someKey, n, body, http.Header{})
		require.ErrorIs(t, err, lease.ErrCorrupt)
		require.ErrorContains(t, err, "sealed with ID 1, of which there is no sealer")
	}
}

func TestSealedIsSecretAndNeverTheSameTwice(t *testing.T) {
	for which, c := range codecs(t) {
		if which == "unsealed" {
			continue
		}
		t.Run(which, func(t *testing.T) {
			seen := map[string]bool{}
			for range 100 {
				stored, body := c.outcome(nil, someKey, someOutcome, someFields, []byte("hello"))
				for _, b := range [][]byte{stored, body} {
					for _, secret := range []string{string(someFingerprint[:4]), someOutcome.location, "hello", "Etag"} {
						require.NotContains(t, string(b), secret)
					}
				}
				for _, begin := range []string{string(stored[notePrefix : notePrefix+12]), string(body[:12])} {
					require.False(t, seen[begin], "a nonce came twice")
					seen[begin] = true
				}
			}
		})
	}
}

func TestSealedIsOfOnePlace(t *testing.T) {
	c := newCodec([]Sealer{{7, gcm(t, 7)}})
	storedA, bodyA := c.outcome(nil, someKey, someOutcome, someFields, []byte("hello"))
	storedB, bodyB := c.outcome(nil, someKey, someOutcome, someFields, []byte("hello"))
	noteA, err := c.readNote(someKey, storedA)
	require.NoError(t, err)
	into := http.Header{}
	_, err = c.readBody(someKey, noteA, bodyA, into)
	require.NoError(t, err)

	clear(into)
	for name, read := range map[string]func() error{
		"a note under another key":                                func() error { _, err := c.readNote(otherKey, storedA); return err },
		"a body under another key":                                func() error { _, err := c.readBody(otherKey, noteA, bodyA, into); return err },
		"a body under another note of its key that says the same": func() error { _, err := c.readBody(someKey, noteA, bodyB, into); return err },
		"a note as a body": func() error {
			_, err := c.readBody(someKey, noteA, storedB[notePrefix:], into)
			return err
		},
		"a body as a note": func() error {
			_, err := c.readNote(someKey, append(storedA[:notePrefix:notePrefix], bodyA...))
			return err
		},
		"a note in another state": func() error {
			changed := bytes.Clone(storedA)
			changed[noteStateAt] = byte(unknown)
			_, err := c.readNote(someKey, changed)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := read()
			require.ErrorIs(t, err, lease.ErrCorrupt)
			require.ErrorContains(t, err, "sealer 7 did not seal")
			require.Empty(t, into)
		})
	}
}

func TestBindingsCannotForgeEachOther(t *testing.T) {
	seen := map[string]bool{}
	for _, key := range []string{"", "a", "ab", "\x01a", "b", strings.Repeat("a", 200)} {
		for _, rest := range []string{"", "a", "b", "ab", "\x01a"} {
			for _, b := range [][]byte{noteBinding(key, []byte(rest)), bodyBinding(key, []byte(rest))} {
				require.False(t, seen[string(b)], "%q %q", key, rest)
				seen[string(b)] = true
			}
		}
	}
}

func TestSealedOneOfAnEarlierReleaseIsRead(t *testing.T) {
	stored, err := hex.DecodeString(goldenSealedNote)
	require.NoError(t, err)
	body, err := hex.DecodeString(goldenSealedBody)
	require.NoError(t, err)
	c := newCodec([]Sealer{{7, gcm(t, 7)}})
	n, err := c.readNote(someKey, stored)
	require.NoError(t, err)
	into := http.Header{}
	back, err := c.readBody(someKey, n, body, into)
	require.NoError(t, err)
	n.content = content{}
	require.Equal(t, someOutcome, n)
	require.Equal(t, "hello", string(back))
	require.Equal(t, someHeader(), into)
}

// sized is an AEAD of any sizes, which seals nothing.
type sized struct{ nonce, overhead int }

func (s sized) NonceSize() int { return s.nonce }
func (s sized) Overhead() int  { return s.overhead }
func (s sized) Seal(dst, _, text, _ []byte) []byte {
	return append(append(dst, text...), make([]byte, s.overhead)...)
}
func (s sized) Open(dst, _, b, _ []byte) ([]byte, error) {
	return append(dst, b[:len(b)-s.overhead]...), nil
}

func TestMistakesInSealersAreAllReported(t *testing.T) {
	type mistake struct{ field, reason string }
	for name, test := range map[string]struct {
		seal []Sealer
		want []mistake
	}{
		"no sealer is right":                {nil, nil},
		"one":                               {[]Sealer{{0, gcm(t, 1)}}, nil},
		"several":                           {[]Sealer{{0, gcm(t, 1)}, {255, ownNonce(t, 2)}}, nil},
		"a nonce of 24 bytes":               {[]Sealer{{1, sized{24, 16}}}, nil},
		"a tag of 12 bytes":                 {[]Sealer{{1, sized{12, 12}}}, nil},
		"as large as a note allows":         {[]Sealer{{1, sized{24, maxSealing - 24}}}, nil},
		"larger":                            {[]Sealer{{1, sized{24, maxSealing - 23}}}, []mistake{{"[0].AEAD", "adds 1962 bytes"}}},
		"an AEAD that is nil":               {[]Sealer{{1, (*sized)(nil)}}, []mistake{{"[0].AEAD", "is a nil pointer"}}},
		"no AEAD":                           {[]Sealer{{ID: 1}}, []mistake{{"[0].AEAD", "is required"}}},
		"no nonce, and no room for its own": {[]Sealer{{1, sized{0, 16}}}, []mistake{{"[0].AEAD", "takes no nonce"}}},
		"a nonce that repeats":              {[]Sealer{{1, sized{8, 16}}}, []mistake{{"[0].AEAD", "nonces of 8 bytes"}}},
		"no authentication":                 {[]Sealer{{1, sized{16, 0}}}, []mistake{{"[0].AEAD", "does not authenticate"}}},
		"one ID twice, and more": {
			[]Sealer{{ID: 1}, {2, gcm(t, 1)}, {1, gcm(t, 2)}, {1, sized{}}},
			[]mistake{{"[0].AEAD", "is required"}, {"[2].ID", "ID of Seal[0]"}, {"[3].ID", "ID of Seal[0]"}, {"[3].AEAD", "takes no nonce"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := checkSealers(test.seal)
			if len(test.want) == 0 {
				require.NoError(t, err)
				return
			}
			joined, ok := err.(interface{ Unwrap() []error })
			require.True(t, ok)
			require.Len(t, joined.Unwrap(), len(test.want))
			for i, err := range joined.Unwrap() {
				var wrong *store.ConfigError
				require.ErrorAs(t, err, &wrong)
				require.Equal(t, "idempotency.Config.Seal"+test.want[i].field, wrong.Field)
				require.Contains(t, wrong.Reason, test.want[i].reason)
			}
		})
	}
}

func TestLargestNoteFitsUnderTheLargestSealer(t *testing.T) {
	largest := note{state: kept, status: 201, location: strings.Repeat("x", maxLocation)}
	require.Equal(t, textMax, largest.textSize())
	seal := []Sealer{{1, sized{24, maxSealing - 24}}}
	require.NoError(t, checkSealers(seal))
	c := newCodec(seal)
	stored, _ := c.outcome(nil, someKey, largest, nil, nil)
	require.Len(t, stored, lease.MaxNote)
	n, err := c.readNote(someKey, stored)
	require.NoError(t, err)
	require.Equal(t, largest.location, n.location)
}

func TestCallersSliceOfSealersIsNotKept(t *testing.T) {
	seal := []Sealer{{1, gcm(t, 1)}}
	c := newCodec(seal)
	seal[0] = Sealer{2, gcm(t, 2)}
	require.Equal(t, byte(1), c.claim(nil, someKey, note{})[noteSealerAt])
}
