package idempotency

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store/lease"
)

var (
	someFingerprint = fingerprint{1, 2, 3, 31: 255}
	someTime        = time.Date(2026, 3, 1, 12, 30, 15, 123_000_000, time.UTC)
)

func TestNoteComesBack(t *testing.T) {
	for name, n := range map[string]note{
		"of a claim":                       {state: claimed, fingerprint: someFingerprint, started: someTime},
		"of a claim without a start":       {state: claimed, fingerprint: someFingerprint},
		"of a claim that any request fits": {state: claimed, anyRequest: true},
		"of a kept outcome":                {state: kept, fingerprint: someFingerprint, started: someTime, status: 201, location: "/payments/1"},
		"with the least status":            {state: kept, status: 100},
		"with the greatest status":         {state: kept, status: 999},
		"with the longest Location":        {state: kept, status: 201, location: strings.Repeat("x", maxLocation)},
		"of an outcome too large":          {state: notRetained, fingerprint: someFingerprint, started: someTime, status: 201, location: "/reports/1"},
		"of an unknown one with a status":  {state: unknown, fingerprint: someFingerprint, status: 503},
		"of an unknown one without":        {state: unknown, fingerprint: someFingerprint, started: someTime},
		"at the end of the year 9999":      {state: claimed, started: time.UnixMilli(maxStarted).UTC()},
	} {
		for which, c := range codecs(t) {
			t.Run(name+", "+which, func(t *testing.T) {
				stored, _ := c.outcome(nil, someKey, n, nil, nil)
				if n.state == claimed {
					require.Equal(t, claimed, state(c.claim(nil, someKey, n)[noteStateAt]))
				}
				require.LessOrEqual(t, len(stored), lease.MaxNote)
				back, err := c.readNote(someKey, stored)
				require.NoError(t, err)
				back.content = content{}
				require.Equal(t, n, back)
			})
		}
	}
}

func TestClaimHasNoOutcome(t *testing.T) {
	c := newCodec(nil)
	stored := c.claim(nil, someKey, note{state: kept, fingerprint: someFingerprint, started: someTime, status: 201, location: "/1"})
	n, err := c.readNote(someKey, stored)
	require.NoError(t, err)
	require.Equal(t, note{state: claimed, fingerprint: someFingerprint, started: someTime}, n)
}

func TestStartIsToldInMillisecondsOrNotAtAll(t *testing.T) {
	for name, test := range map[string]struct{ started, want time.Time }{
		"finer than a millisecond": {someTime.Add(999_999), someTime},
		"in another zone":          {someTime.In(time.FixedZone("", 3600)), someTime},
		"before 1970":              {time.Unix(-1, 0), time.Time{}},
		"after the year 9999":      {time.UnixMilli(maxStarted + 1), time.Time{}},
		"not known":                {time.Time{}, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCodec(nil)
			n, err := c.readNote(someKey, c.claim(nil, someKey, note{started: test.started}))
			require.NoError(t, err)
			require.Equal(t, test.want, n.started)
		})
	}
}

func TestLocationThatCannotBeKeptIsLeftOut(t *testing.T) {
	for name, location := range map[string]string{
		"too long":             strings.Repeat("x", maxLocation+1),
		"longer than a uint16": strings.Repeat("x", 1<<16+1),
		"with a line feed":     "/a\nSet-Cookie: b",
		"with a NUL":           "/\x00",
	} {
		for _, s := range []state{kept, notRetained} {
			t.Run(name, func(t *testing.T) {
				c := newCodec(nil)
				stored, _ := c.outcome(nil, someKey, note{state: s, status: 201, location: location}, nil, nil)
				n, err := c.readNote(someKey, stored)
				require.NoError(t, err)
				require.Empty(t, n.location)
				require.Equal(t, 201, n.status)
			})
		}
	}
}

func TestTextThatMakesNoSenseIsRefused(t *testing.T) {
	outcome := note{state: kept, fingerprint: someFingerprint, started: someTime, status: 201, location: "/1"}
	claim := note{state: claimed, fingerprint: someFingerprint, started: someTime}
	for name, test := range map[string]struct {
		note   note
		change func([]byte) []byte
		reason string
	}{
		"nothing":                     {claim, func([]byte) []byte { return nil }, "text of 0 bytes"},
		"a short one":                 {claim, func(b []byte) []byte { return b[:textMin-1] }, "text of 44 bytes"},
		"a trailing byte":             {claim, func(b []byte) []byte { return append(b, 0) }, "text of 46 bytes, it should have 45"},
		"a trailing byte, kept":       {outcome, func(b []byte) []byte { return append(b, 0) }, "text of 60 bytes, it should have 59"},
		"a missing byte":              {outcome, func(b []byte) []byte { return b[:len(b)-1] }, "text of 58 bytes, it should have 59"},
		"no length and checksum":      {outcome, func(b []byte) []byte { return b[:len(b)-contentSize] }, "text of 47 bytes"},
		"flags of a later version":    {claim, at(flagsAt, 2), "unknown flags"},
		"all flags":                   {claim, at(flagsAt, 255), "unknown flags"},
		"a start that no date has":    {claim, at(startedAt, 1), "started after the year 9999"},
		"a start a moment too late":   {claim, func(b []byte) []byte { binary.BigEndian.PutUint64(b[startedAt:], maxStarted+1); return b }, "started after the year 9999"},
		"a status while claimed":      {claim, status(200), "a status that does not fit state 1"},
		"no status of a kept one":     {outcome, status(0), "a status that does not fit state 2"},
		"a status of 99":              {outcome, status(99), "a status that does not fit state 2"},
		"a status of 1000":            {outcome, status(1000), "a status that does not fit state 2"},
		"no status of a large one":    {note{state: notRetained, status: 201}, status(0), "a status that does not fit state 3"},
		"an unknown one of status 99": {note{state: unknown}, status(99), "a status that does not fit state 4"},
		"a Location while claimed":    {note{state: claimed, location: "/1"}, func(b []byte) []byte { return b }, "a Location that cannot be"},
		"a Location with a line feed": {outcome, at(textMin, '\n'), "a Location that cannot be"},
		"a Location too long":         {note{state: kept, status: 201, location: strings.Repeat("x", maxLocation+1)}, func(b []byte) []byte { return b }, "a Location that cannot be"},
		"a Location longer than said": {outcome, at(locationAt+1, 1), "it should have 58"},
		"a Location far too long":     {outcome, at(locationAt, 255), "it should have"},
		"state 0":                     {note{}, func(b []byte) []byte { return b }, "no such state: 0"},
		"state 5":                     {note{state: 5, status: 200}, func(b []byte) []byte { return b }, "no such state: 5"},
	} {
		t.Run(name, func(t *testing.T) {
			text := test.change(test.note.appendText(nil))
			n, err := readText(test.note.state, text)
			require.ErrorIs(t, err, lease.ErrCorrupt)
			require.ErrorContains(t, err, test.reason)
			assert.Zero(t, n)
		})
	}
}

// at returns a change of the byte at i to c.
func at(i int, c byte) func([]byte) []byte {
	return func(b []byte) []byte {
		b[i] = c
		return b
	}
}

func status(s uint16) func([]byte) []byte {
	return func(b []byte) []byte {
		binary.BigEndian.PutUint16(b[statusAt:], s)
		return b
	}
}
