package idempotency

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/big"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store/lease"
)

// maxFuzzed is the longest input that is looked at: all there is to find fits, and
// the fuzzer would spend its time on making longer ones short.
const maxFuzzed = 200

// FuzzReadNote reads b as a note and, so that it gets beyond the checksum and the
// seal, as the text of one. What is read is stored as the same again.
func FuzzReadNote(f *testing.F) {
	for _, golden := range []string{goldenClaim, goldenNote, goldenUnknown, goldenSealedNote} {
		b, err := hex.DecodeString(golden)
		require.NoError(f, err)
		f.Add(b[noteStateAt], b)
		f.Add(b[noteStateAt], b[notePrefix:max(notePrefix, len(b)-noteSumSize)])
	}
	sealed := newCodec([]Sealer{{7, gcm(f, 7)}})
	f.Fuzz(func(t *testing.T, s byte, b []byte) {
		if len(b) > maxFuzzed {
			return
		}
		before := bytes.Clone(b)
		text, wrong := readText(state(s), b)
		require.True(t, wrong == nil || errors.Is(wrong, lease.ErrCorrupt))
		if wrong == nil {
			require.Equal(t, b, text.appendText(nil))
			require.Len(t, b, text.textSize())
			require.True(t, text.location == "" || http.Header{"L": {text.location}}.Write(line{t}) == nil)
		}
		plain := append([]byte{noteFormat, s, 0, 0}, b...)
		prefix := []byte{noteFormat, s, 1, 7}
		for _, test := range []struct {
			c     codec
			b     []byte
			whole bool // it is read if its text is
		}{
			{newCodec(nil), b, false},
			{sealed, b, false},
			{newCodec(nil), appendNoteSum(plain, someKey), true},
			{sealed, sealed.sealers[0].seal(prefix, b, noteBinding(someKey, prefix)), true},
		} {
			n, err := test.c.readNote(someKey, test.b)
			require.True(t, err == nil || errors.Is(err, lease.ErrCorrupt))
			n.content.sealed = nil
			if test.whole && len(test.b) <= lease.MaxNote {
				require.Equal(t, wrong, err)
				require.Equal(t, text, n)
			}
			if err == nil && test.b[noteSealedAt] == 0 {
				require.Equal(t, test.b, test.c.note(nil, someKey, &n))
			}
		}
		require.Equal(t, before, b, "a note is never written to")
	})
}

// line fails the test if what is written to it is more than one line.
type line struct{ t *testing.T }

func (l line) Write(b []byte) (int, error) {
	require.LessOrEqual(l.t, bytes.Count(b, []byte("\n")), 1)
	return len(b), nil
}

// FuzzReadBody holds the reading of bodies against a slow and plain one.
func FuzzReadBody(f *testing.F) {
	golden, err := hex.DecodeString(goldenBody)
	require.NoError(f, err)
	f.Add(golden)
	c := newCodec(nil)
	sealed := newCodec([]Sealer{{7, gcm(f, 7)}})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > maxFuzzed {
			return
		}
		before := bytes.Clone(b)
		fields, body, ok := oracleBody(b)
		into := http.Header{"Before": {"1"}}
		want := into.Clone()
		back, err := c.readBody(someKey, keptNote(b), b, into)
		require.Equal(t, before, b, "a body is never written to")
		if !ok {
			require.ErrorIs(t, err, lease.ErrCorrupt)
			require.Equal(t, want, into)
			return
		}
		require.NoError(t, err)
		for _, f := range fields {
			want[f.name] = append([]string{}, f.values...)
		}
		require.Equal(t, want, into)
		require.Equal(t, string(body), string(back))
		n := note{state: kept, status: 200}
		_, again := c.outcome(nil, someKey, n, fields, body)
		require.Equal(t, b, again)

		stored, again := sealed.outcome(nil, someKey, n, fields, body)
		n, err = sealed.readNote(someKey, stored)
		require.NoError(t, err)
		opened := http.Header{"Before": {"1"}}
		back, err = sealed.readBody(someKey, n, again, opened)
		require.NoError(t, err)
		require.Equal(t, want, opened)
		require.Equal(t, string(body), string(back))
	})
}

var (
	oracleName  = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
	oracleValue = regexp.MustCompile(`(?s)^[^\r\n\x00]*$`)
)

// oracleBody reads fields and body by what the format says, without a thought of
// speed or memory.
func oracleBody(b []byte) (fields []field, body []byte, ok bool) {
	number := func() (n int) {
		groups, value := 0, new(big.Int)
		for {
			if groups == len(b) {
				ok = false
				return 0
			}
			group := big.NewInt(int64(b[groups] & 0x7f))
			value.Or(value, group.Lsh(group, uint(7*groups)))
			groups++
			if b[groups-1] < 0x80 {
				break
			}
		}
		shortest := groups == 1 || b[groups-1] != 0
		b = b[groups:]
		if !shortest || value.Cmp(big.NewInt(int64(len(b)))) > 0 {
			ok = false
			return 0
		}
		return int(value.Int64())
	}
	text := func(form *regexp.Regexp) string {
		n := number()
		s := strings.Clone(string(b[:n]))
		b = b[n:]
		ok = ok && form.MatchString(s)
		return s
	}
	ok = true
	for n := number(); n > 0 && ok; n-- {
		f := field{name: text(oracleName)}
		for n := number(); n > 0 && ok; n-- {
			f.values = append(f.values, text(oracleValue))
		}
		fields = append(fields, f)
	}
	return fields, b, ok
}
