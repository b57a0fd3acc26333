package retry_test

import (
	"context"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/internal/retry"
)

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	now := time.Date(2026, time.November, 28, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		value, date string
		want        time.Duration
		ok          bool
	}{
		"none":                               {"", "", 0, false},
		"seconds":                            {"120", "", 2 * time.Minute, true},
		"seconds with white space around":    {" 3\t", "", 3 * time.Second, true},
		"zero":                               {"0", "", 0, true},
		"negative":                           {"-1", "", 0, false},
		"a sign":                             {"+1", "", 0, false},
		"a fraction":                         {"1.5", "", 0, false},
		"words":                              {"soon", "", 0, false},
		"longer than a duration":             {"9223372037", "", math.MaxInt64, true},
		"as long as a duration":              {"9223372036", "", 9223372036 * time.Second, true},
		"more digits than a number":          {strings.Repeat("9", 300), "", math.MaxInt64, true},
		"a date by the server's clock":       {"Sat, 28 Nov 2026 09:00:30 GMT", "Sat, 28 Nov 2026 09:00:00 GMT", 30 * time.Second, true},
		"a date by the client's clock":       {"Sat, 28 Nov 2026 12:01:00 GMT", "", time.Minute, true},
		"a date, and a Date that is no date": {"Sat, 28 Nov 2026 12:01:00 GMT", "today", time.Minute, true},
		"a date of the past":                 {"Sat, 28 Nov 2026 11:00:00 GMT", "", 0, true},
		"a date in the old form":             {"Saturday, 28-Nov-26 12:00:07 GMT", "", 7 * time.Second, true},
		"a date of the far future":           {"Sat, 28 Nov 9999 12:00:00 GMT", "", math.MaxInt64, true},
	} {
		h := http.Header{}
		if c.value != "" {
			h.Set("Retry-After", c.value)
		}
		if c.date != "" {
			h.Set("Date", c.date)
		}
		got, ok := retry.After(h, now)
		assert.Equal(t, c.ok, ok, name)
		assert.Equal(t, c.want, got, name)
	}
}

func TestBackoffDoublesUpToItsLimit(t *testing.T) {
	var got []time.Duration
	for failures := range 6 {
		got = append(got, retry.Backoff(failures, time.Second, 10*time.Second))
	}
	assert.Equal(t, []time.Duration{1e9, 1e9, 2e9, 4e9, 8e9, 10e9}, got)
	assert.Equal(t, time.Duration(math.MaxInt64), retry.Backoff(1000, 1, math.MaxInt64))
	assert.Equal(t, time.Second, retry.Backoff(1, time.Minute, time.Second))
}

func TestPauseIsSpreadOverTheWholeBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shortest, longest := time.Hour, time.Duration(0)
		for range 1000 {
			began := time.Now()
			assert.True(t, retry.Pause(t.Context(), time.Second, time.Minute))
			took := time.Since(began)
			shortest, longest = min(shortest, took), max(longest, took)
		}
		assert.GreaterOrEqual(t, shortest, time.Second, "what the server asked for comes first")
		assert.Less(t, shortest, 4*time.Second)
		assert.Less(t, longest, 61*time.Second)
		assert.Greater(t, longest, 58*time.Second)
	})
}

func TestPauseDoesNotSleepIntoTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		assert.False(t, retry.Pause(ctx, time.Minute, 0))
		assert.False(t, retry.Pause(ctx, math.MaxInt64, time.Hour))
		assert.Equal(t, began, time.Now(), "it gave up at once")

		assert.True(t, retry.Pause(ctx, 59*time.Second, time.Hour), "only the random part is cut")
		assert.NoError(t, ctx.Err())
	})
}

func TestPauseEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		began := time.Now()
		assert.False(t, retry.Pause(ctx, math.MaxInt64, time.Hour), "as long as a duration can be")
		assert.Equal(t, time.Second, time.Since(began))
		assert.False(t, retry.Pause(ctx, 0, 0), "it had ended before")
	})
}

// unused is a body that counts what is read of it.
type unused struct {
	io.Reader
	read   int
	closed bool
}

func (u *unused) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	u.read += n
	return n, err
}

func (u *unused) Close() error {
	u.closed = true
	return nil
}

func TestDiscardIsBounded(t *testing.T) {
	for name, c := range map[string]struct {
		body   io.Reader
		length int64
		most   int
	}{
		"short":                 {strings.NewReader("short"), 5, 5},
		"of unknown length":     {strings.NewReader(strings.Repeat("x", 1<<20)), -1, retry.MaxDiscard + 1},
		"as long as it says":    {strings.NewReader(strings.Repeat("x", 1<<20)), 1 << 20, 0},
		"longer than it says":   {strings.NewReader(strings.Repeat("x", 1<<20)), 3, retry.MaxDiscard + 1},
		"one that cannot be so": {iotest.ErrReader(io.ErrUnexpectedEOF), 3, 0},
	} {
		body := &unused{Reader: c.body}
		retry.Discard(&http.Response{Body: body, ContentLength: c.length})
		assert.True(t, body.closed, name)
		assert.LessOrEqual(t, body.read, c.most, name)
	}
}

func TestDiscardDoesNotWaitForAnAnswerThatStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		body, _ := io.Pipe()
		retry.Discard(&http.Response{Body: body, ContentLength: -1})
		assert.Equal(t, retry.DiscardTime, time.Since(began))
	})
}
