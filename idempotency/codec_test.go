package idempotency

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store/lease"
)

var (
	someKey     = strings.Repeat("k", 31) + "1"
	otherKey    = strings.Repeat("k", 31) + "2"
	someOutcome = note{state: kept, fingerprint: someFingerprint, started: someTime, status: 201, location: "/payments/1"}
	someFields  = []field{{"Content-Type", []string{"text/plain"}}, {"Etag", []string{`"v1"`}}, {"Link", []string{"<a>", "<b>"}}, {"Date", nil}}
)

// someHeader returns what someFields set.
func someHeader() http.Header {
	return http.Header{"Content-Type": {"text/plain"}, "Etag": {`"v1"`}, "Link": {"<a>", "<b>"}, "Date": {}}
}

// Version 1 as it is stored. A change of these means another version, and code
// that reads both.
const (
	goldenClaim = "01010000" +
		"01020300000000000000000000000000000000000000000000000000000000ff" +
		"00" +
		"0000019ca960bc53" +
		"0000" +
		"0000" +
		"66962a43"
	goldenNote = "01020000" +
		"01020300000000000000000000000000000000000000000000000000000000ff" +
		"00" +
		"0000019ca960bc53" +
		"00c9" +
		"000b2f7061796d656e74732f31" +
		"000000000000003e" +
		"2524c2d7" +
		"7f16462e"
	goldenUnknown = "01040000" +
		"0000000000000000000000000000000000000000000000000000000000000000" +
		"01" +
		"0000000000000000" +
		"0000" +
		"0000" +
		"7469ef28"
	goldenBody = "04" +
		"0c436f6e74656e742d54797065010a746578742f706c61696e" +
		"0445746167010422763122" +
		"044c696e6b02033c613e033c623e" +
		"044461746500" +
		"68656c6c6f"
	goldenSealedNote = "01020107557644b18d1cab3746f83a21150c6606c1fd8b580f76010f5edb3294097f9128a552450d167c749bb5afe49e" +
		"e8574b6e63645475971578d3ac0e178419ba768913eade66f6a512b22517a3a7d294d5957cfa3a2067bc03d00fd2f7c5" +
		"f9d8ce20"
	goldenSealedBody = "5180e2fc583ac246f40bc303c6e150b7ddd7621ccdfa114838f89db93390aebd3bf2cbe1dd994cc0c4ae9f0dbe006b87" +
		"86d8508a8abf14c162386fdbf4ae5f8e55029b1237ecf1e661831b828b8c82ed7c828598e4eba9c1e3a3"
)

func TestFormatIsTheSameAsEver(t *testing.T) {
	c := newCodec(nil)
	stored, body := c.outcome(nil, someKey, someOutcome, someFields, []byte("hello"))
	ended, none := c.outcome(nil, someKey, note{state: unknown, anyRequest: true}, someFields, []byte("hello"))
	require.Nil(t, none)
	require.Equal(t, goldenClaim, hex.EncodeToString(c.claim(nil, someKey, someOutcome)))
	require.Equal(t, goldenNote, hex.EncodeToString(stored))
	require.Equal(t, goldenBody, hex.EncodeToString(body))
	require.Equal(t, goldenUnknown, hex.EncodeToString(ended))
}

func TestAnswerComesBack(t *testing.T) {
	for which, c := range codecs(t) {
		for name, body := range map[string][]byte{"empty": nil, "short": []byte("hello"), "1 MiB": bytes.Repeat([]byte("x"), 1<<20)} {
			t.Run(name+", "+which, func(t *testing.T) {
				stored, recorded := c.outcome(nil, someKey, someOutcome, someFields, body)
				before := [2]string{string(stored), string(recorded)}
				n, err := c.readNote(someKey, stored)
				require.NoError(t, err)
				into := http.Header{}
				back, err := c.readBody(someKey, n, append(recorded, "more"...)[:len(recorded)], into)
				require.NoError(t, err)
				require.True(t, bytes.Equal(body, back))
				require.Equal(t, someHeader(), into)
				require.Equal(t, len(back), cap(back), "whoever appends to a body must not write into a record")
				require.Equal(t, before[0], string(stored), "a note is never written to")
				require.Equal(t, before[1], string(recorded), "a body is never written to")
			})
		}
	}
}

func TestBodyIsNotCopied(t *testing.T) {
	c := newCodec(nil)
	stored, recorded := c.outcome(nil, someKey, someOutcome, someFields, []byte("hello"))
	n, err := c.readNote(someKey, stored)
	require.NoError(t, err)
	back, err := c.readBody(someKey, n, recorded, http.Header{})
	require.NoError(t, err)
	require.Same(t, &recorded[len(recorded)-1], &back[4])
}

func TestBodyOfAnotherLengthIsRefusedBeforeItIsRead(t *testing.T) {
	c := newCodec(nil)
	stored, body := c.outcome(nil, someKey, someOutcome, someFields, []byte("hello"))
	n, err := c.readNote(someKey, stored)
	require.NoError(t, err)
	_, err = c.readBody(someKey, n, body[:len(body)-1], http.Header{})
	require.ErrorContains(t, err, "body of 61 bytes, its note says 62")
}

func TestNoteThatIsNeitherSealedNorUnsealedIsRefused(t *testing.T) {
	plain, sealed := newCodec(nil), newCodec([]Sealer{{7, gcm(t, 7)}})
	text := (&note{state: claimed}).appendText(nil)
	for _, prefix := range [][]byte{{noteFormat, 1, 2, 0}, {noteFormat, 1, 2, 7}, {noteFormat, 1, 0, 7}, {noteFormat, 1, 255, 255}} {
		_, err := plain.readNote(someKey, appendNoteSum(append(bytes.Clone(prefix), text...), someKey))
		require.ErrorContains(t, err, "neither sealed nor unsealed")
		_, err = sealed.readNote(someKey, sealed.sealers[0].seal(prefix, text, noteBinding(someKey, prefix)))
		require.ErrorContains(t, err, "neither sealed nor unsealed")
	}
}

// TestNoteOfLittleMoreThanItsChecksumIsRefused looks for a key for which the
// checksum is right and reads as if nothing were sealed.
func TestNoteOfLittleMoreThanItsChecksumIsRefused(t *testing.T) {
	c := newCodec(nil)
	for i := range 1 << 24 {
		key := string(binary.BigEndian.AppendUint32(nil, uint32(i)))
		b := appendNoteSum([]byte{noteFormat}, key)
		if b[noteSealedAt] == 0 && b[noteSealerAt] == 0 {
			_, err := c.readNote(key, b)
			require.ErrorContains(t, err, "note of 5 bytes")
			return
		}
	}
	t.Fatal("no such key")
}

func TestOnlyKeptOutcomesHaveABody(t *testing.T) {
	for which, c := range codecs(t) {
		for _, s := range []state{notRetained, unknown} {
			t.Run(fmt.Sprintf("state %d, %s", s, which), func(t *testing.T) {
				stored, body := c.outcome(nil, someKey, note{state: s, status: 200}, someFields, []byte("hello"))
				require.Nil(t, body)
				n, err := c.readNote(someKey, stored)
				require.NoError(t, err)
				require.Zero(t, n.content)
				_, err = c.readBody(someKey, n, nil, http.Header{})
				require.ErrorIs(t, err, lease.ErrCorrupt)
				require.ErrorContains(t, err, fmt.Sprintf("a body in state %d", s))
			})
		}
	}
}

// TestEveryDamageIsNoticed flips each bit of each part of a record, and cuts
// each part short everywhere.
func TestEveryDamageIsNoticed(t *testing.T) {
	for which, c := range codecs(t) {
		t.Run(which, func(t *testing.T) {
			stored, body := c.outcome(nil, someKey, someOutcome, someFields, []byte("hello"))
			n, err := c.readNote(someKey, stored)
			require.NoError(t, err)
			damage(stored, func(b []byte, what string) {
				n, err := c.readNote(someKey, b)
				require.ErrorIs(t, err, lease.ErrCorrupt, "note with %s", what)
				require.Zero(t, n)
			})
			damage(body, func(b []byte, what string) {
				into := http.Header{}
				back, err := c.readBody(someKey, n, b, into)
				require.ErrorIs(t, err, lease.ErrCorrupt, "body with %s", what)
				require.Nil(t, back)
				require.Empty(t, into)
			})
			for _, s := range []state{claimed, notRetained, unknown} {
				stored := c.claim(nil, someKey, someOutcome)
				if s != claimed {
					stored, _ = c.outcome(nil, someKey, note{state: s, status: 503}, nil, nil)
				}
				damage(stored, func(b []byte, what string) {
					_, err := c.readNote(someKey, b)
					require.ErrorIs(t, err, lease.ErrCorrupt, "note in state %d with %s", s, what)
				})
			}
		})
	}
}

// damage calls f with b damaged in every way.
func damage(b []byte, f func(damaged []byte, what string)) {
	for i := range b {
		for bit := range 8 {
			damaged := bytes.Clone(b)
			damaged[i] ^= 1 << bit
			f(damaged, fmt.Sprintf("bit %d of byte %d flipped", bit, i))
		}
		f(b[:i:i], fmt.Sprintf("%d bytes left", i))
	}
	f(append(bytes.Clone(b), 0), "a trailing byte")
}

func TestRecordOfAnotherKeyIsRefused(t *testing.T) {
	for which, c := range codecs(t) {
		t.Run(which, func(t *testing.T) {
			stored, _ := c.outcome(nil, someKey, someOutcome, someFields, []byte("hello"))
			_, err := c.readNote(otherKey, stored)
			require.ErrorIs(t, err, lease.ErrCorrupt)
		})
	}
}

// TestNoteOfTheNextVersionIsOfAnUnknownOne: during a rolling deploy an old server
// meets a new record, of which it can know no more than the version.
func TestNoteOfTheNextVersionIsOfAnUnknownOne(t *testing.T) {
	for which, c := range codecs(t) {
		for name, b := range map[string][]byte{"one byte": {2}, "a longer one": append([]byte{2}, c.claim(nil, someKey, note{})...), "version 0": {0}} {
			t.Run(name+", "+which, func(t *testing.T) {
				_, err := c.readNote(someKey, b)
				require.ErrorIs(t, err, lease.ErrUnknownVersion)
				require.ErrorIs(t, err, lease.ErrCorrupt)
			})
		}
		t.Run("nothing is corrupt, "+which, func(t *testing.T) {
			for _, b := range [][]byte{nil, {1}, {1, 1, 0}, make([]byte, lease.MaxNote+1)} {
				if len(b) > 3 {
					b[0] = noteFormat
				}
				_, err := c.readNote(someKey, b)
				require.ErrorIs(t, err, lease.ErrCorrupt)
				require.NotErrorIs(t, err, lease.ErrUnknownVersion)
				require.ErrorContains(t, err, fmt.Sprintf("note of %d bytes", len(b)))
			}
		})
	}
}

func TestErrorsQuoteNothing(t *testing.T) {
	c := newCodec(nil)
	n := note{state: kept, status: 200, location: "/secret\n"}
	_, err := readText(n.state, n.appendText(nil))
	require.Error(t, err)
	require.NotContains(t, err.Error(), "secret")
	for _, b := range []string{"\x01\x07secret \x00", "\x01\x01a\x01\x07secret\n", "\x05secret"} {
		n := keptNote([]byte(b))
		_, err := c.readBody(someKey, n, []byte(b), http.Header{})
		require.Error(t, err)
		require.NotContains(t, err.Error(), "secret")
	}
}

// keptNote returns the note with which b passes for the body of a record.
func keptNote(b []byte) note {
	return note{state: kept, status: 200, content: content{length: uint64(len(b)), sum: checksum(b)}}
}

func TestNothingIsSetBeforeAllIsRead(t *testing.T) {
	b := []byte("\x02\x01a\x01\x01b\x01c\x01\x01\n")
	c, n, into := newCodec(nil), keptNote(b), http.Header{}
	_, err := c.readBody(someKey, n, b, into)
	require.ErrorIs(t, err, lease.ErrCorrupt)
	require.Empty(t, into)
}

func TestRecordsAreMadeInOnePieceEach(t *testing.T) {
	c, body := newCodec(nil), make([]byte, 1024)
	stored, recorded := c.outcome(nil, someKey, someOutcome, someFields, body)
	n, err := c.readNote(someKey, stored)
	require.NoError(t, err)
	plain := c.claim(nil, someKey, someOutcome)
	into := someHeader()
	for what, test := range map[string]struct {
		most float64
		f    func()
	}{
		"a claim":                   {1, func() { c.claim(nil, someKey, someOutcome) }},
		"an outcome":                {2, func() { c.outcome(nil, someKey, someOutcome, someFields, body) }},
		"reading a claim":           {0, func() { c.readNote(someKey, plain) }},
		"reading an outcome's note": {1, func() { c.readNote(someKey, stored) }},
		"reading a body":            {2, func() { c.readBody(someKey, n, recorded, into) }},
	} {
		require.LessOrEqual(t, testing.AllocsPerRun(100, test.f), test.most, what)
	}
	require.Equal(t, len(stored), cap(stored))
	require.Equal(t, len(recorded), cap(recorded))
	require.Equal(t, len(plain), cap(plain))
}
