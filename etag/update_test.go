package etag_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/middleware/problem"
)

func bubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

// on is a predicate for one request.
func on(nth int) func(int, *http.Request) bool {
	return func(n int, _ *http.Request) bool { return n == nth }
}

func TestUpdateWritesWhatWasChanged(t *testing.T) {
	s := newShelf(t, `{"n":1}`, etag.Config{TagAfterWrite: true, Require: func(*http.Request) bool { return true }})
	c := s.client()
	c.Header = http.Header{"authorization": {"Bearer a"}, "If-Match": {"*"}}
	got, tag, err := etag.Update(t.Context(), c, where, increment)
	require.NoError(t, err)
	assert.Equal(t, tally{2}, got)
	assert.Equal(t, etag.Of([]byte(`{"n":2}`)), tag)
	assert.JSONEq(t, `{"n":2}`, s.doc)
	assert.Equal(t, "GET PUT", s.methods())
	read, write := s.fields[0], s.fields[1]
	assert.Equal(t, "identity", read.Get("Accept-Encoding"), "compression would make the tag weak")
	assert.Equal(t, "no-cache", read.Get("Cache-Control"))
	assert.Empty(t, read.Get("If-Match"))
	assert.Equal(t, []string{etag.Of([]byte(`{"n":1}`)).String()}, write["If-Match"])
	assert.Equal(t, "application/json", write.Get("Content-Type"))
	for _, name := range []string{"Authorization", "Accept", "Accept-Encoding"} {
		assert.Equal(t, read[name], write[name], "the server asks for its validator with the fields of the write")
	}
	assert.Equal(t, http.Header{"authorization": {"Bearer a"}, "If-Match": {"*"}}, c.Header)
}

func TestUpdateWithoutAClient(t *testing.T) {
	_, _, err := etag.Update(t.Context(), nil, "http://127.0.0.1:0/", increment)
	var failed *etag.UpdateError
	require.ErrorAs(t, err, &failed, "a nil client is the zero one")
	assert.Equal(t, "read", failed.Step)
	_, _, err = etag.Update(t.Context(), &etag.Client{Method: "GET"}, where, increment)
	require.ErrorAs(t, err, &failed)
	_, _, err = etag.Update(t.Context(), nil, "http://a b/", increment)
	require.ErrorAs(t, err, &failed)
}

func TestTagIsZeroIfTheServerDoesNotSay(t *testing.T) {
	s := newShelf(t, `{"n":1}`, etag.Config{})
	got, tag, err := etag.Update(t.Context(), s.client(), where, increment)
	require.NoError(t, err)
	assert.Equal(t, tally{2}, got)
	assert.Zero(t, tag)
	assert.Equal(t, "GET PUT", s.methods(), "what is read after it could be somebody else's")
}

// TestStaleUpdateIsAppliedAgain to what is there now, which the refusal carries.
func TestStaleUpdateIsAppliedAgain(t *testing.T) {
	for _, status := range []int{http.StatusPreconditionFailed, http.StatusConflict} {
		bubble(t, fmt.Sprint(status), func(t *testing.T) {
			s := newShelf(t, `{"n":1}`, etag.Config{StaleStatus: status})
			s.between = func(n int, _ *http.Request) {
				if n == 2 {
					s.put(`{"n":10}`)
				}
			}
			calls := 0
			got, _, err := etag.Update(t.Context(), s.client(), where, func(c *tally) error {
				calls++
				return increment(c)
			})
			require.NoError(t, err)
			assert.Equal(t, tally{11}, got)
			assert.JSONEq(t, `{"n":11}`, s.doc)
			assert.Equal(t, "GET PUT PUT", s.methods(), "current saves a read")
			assert.Equal(t, 2, calls)
			assert.Equal(t, etag.Of([]byte(`{"n":10}`)).String(), s.fields[2].Get("If-Match"))
		})
	}
}

func TestStaleUpdateReadsWhereTheRefusalDoesNotSay(t *testing.T) {
	for name, body := range map[string]string{
		"a plain 412":            "",
		"no current":             `{"type":"/p#version-mismatch","retryable":false,"current_etag":"\"v9\""}`,
		"no tag":                 `{"type":"/p#version-mismatch","retryable":false,"current":{"n":9}}`,
		"a weak tag":             `{"type":"/p#version-mismatch","retryable":false,"current":{"n":9},"current_etag":"W/\"v9\""}`,
		"a tag that is no tag":   `{"type":"/p#version-mismatch","retryable":false,"current":{"n":9},"current_etag":"v9"}`,
		"a tag that is no text":  `{"type":"/p#version-mismatch","retryable":false,"current":{"n":9},"current_etag":9}`,
		"a body that breaks off": `{"type":`,
	} {
		bubble(t, name, func(t *testing.T) {
			s := newShelf(t, `{"n":1}`, etag.Config{})
			s.answer = func(n int, _ *http.Request) *http.Response {
				if n == 2 {
					return reply(412, body, "Content-Type", "application/problem+json")
				}
				return nil
			}
			got, _, err := etag.Update(t.Context(), s.client(), where, increment)
			require.NoError(t, err)
			assert.Equal(t, tally{2}, got)
			assert.Equal(t, "GET PUT GET PUT", s.methods())
		})
	}
}

// TestChangeGetsAFreshCopyEachTime: nothing of an attempt that failed is left in
// the next one.
func TestChangeGetsAFreshCopyEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type list struct {
			Items map[string]int `json:"items"`
		}
		s := newShelf(t, `{"items":{"a":1}}`, etag.Config{})
		s.between = func(n int, _ *http.Request) {
			if n == 2 {
				s.put(`{"items":{"b":1}}`)
			}
		}
		calls := 0
		got, _, err := etag.Update(t.Context(), s.client(), where, func(l *list) error {
			calls++
			l.Items[fmt.Sprint("call", calls)] = calls
			return nil
		})
		require.NoError(t, err)
		assert.Equal(t, map[string]int{"b": 1, "call2": 2}, got.Items)
	})
}

func TestErrNoChangeWritesNothing(t *testing.T) {
	for name, doc := range map[string]string{"that exists": `{"n":1}`, "that does not": ""} {
		s := newShelf(t, doc, etag.Config{})
		got, tag, err := etag.Update(t.Context(), s.client(), where, func(c *tally) error {
			c.N = 99
			return fmt.Errorf("it is well: %w", etag.ErrNoChange)
		})
		require.NoError(t, err, name)
		if doc == "" {
			assert.Zero(t, got)
			assert.Zero(t, tag)
		} else {
			assert.Equal(t, tally{1}, got, "what was read, and not what was made of it")
			assert.Equal(t, etag.Of([]byte(doc)), tag)
		}
		assert.Equal(t, "GET", s.methods())
	}
}

func TestFailedChangeWritesNothing(t *testing.T) {
	mine := errors.New("the title is empty")
	s := newShelf(t, `{"n":1}`, etag.Config{})
	got, _, err := etag.Update(t.Context(), s.client(), where, func(*tally) error { return mine })
	require.ErrorIs(t, err, mine)
	var failed *etag.UpdateError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, "change", failed.Step)
	assert.Zero(t, failed.Attempts)
	assert.Zero(t, got)
	assert.Equal(t, "GET", s.methods())

	_, _, err = etag.Update(t.Context(), s.client(), where, func(v *any) error { *v = func() {}; return nil })
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, "encode", failed.Step)
	assert.Zero(t, s.writes)
}

func TestUpdateCreatesWhatDoesNotExist(t *testing.T) {
	s := newShelf(t, "", etag.Config{TagAfterWrite: true})
	c := s.client()
	c.Method = "PATCH"
	got, tag, err := etag.Update(t.Context(), c, where, increment)
	require.NoError(t, err)
	assert.Equal(t, tally{1}, got)
	assert.Equal(t, etag.Of([]byte(`{"n":1}`)), tag)
	assert.Equal(t, "GET PUT", s.methods(), "there is nothing to patch")
	assert.Equal(t, "*", s.fields[1].Get("If-None-Match"))
	assert.Empty(t, s.fields[1].Get("If-Match"))
}

func TestCreationThatComesSecondChangesTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, "", etag.Config{})
		s.between = func(n int, _ *http.Request) {
			if n == 2 {
				s.put(`{"n":10}`)
			}
		}
		got, _, err := etag.Update(t.Context(), s.client(), where, increment)
		require.NoError(t, err)
		assert.Equal(t, tally{11}, got)
	})
}

func TestDeletedMeanwhileIsNotCreatedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, `{"n":1}`, etag.Config{})
		s.between = func(n int, _ *http.Request) {
			if n == 2 {
				s.put("")
			}
		}
		_, _, err := etag.Update(t.Context(), s.client(), where, increment)
		require.ErrorIs(t, err, etag.ErrDeleted)
		assert.Zero(t, s.writes)
	})
}

func TestPatchSendsWhatHasChanged(t *testing.T) {
	s := newShelf(t, `{"n":1,"unknown":{"to":"the client"},"digits":12345678901234567890}`, etag.Config{})
	c := s.client()
	c.Method = "PATCH"
	_, _, err := etag.Update(t.Context(), c, where, increment)
	require.NoError(t, err)
	assert.Equal(t, "application/merge-patch+json", s.fields[1].Get("Content-Type"))
	assert.Contains(t, s.doc, `"unknown":{"to":"the client"}`)
	assert.Contains(t, s.doc, `"n":2`)
}

func TestNumbersKeepTheirDigits(t *testing.T) {
	s := newShelf(t, `{"n":1,"digits":12345678901234567890,"price":1.10}`, etag.Config{})
	_, _, err := etag.Update(t.Context(), s.client(), where, func(m *map[string]any) error {
		(*m)["n"] = json.Number("2")
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, `{"digits":12345678901234567890,"n":2,"price":1.10}`, s.doc)
}

func TestRepresentationOfTheAnswerIsTheResult(t *testing.T) {
	for name, c := range map[string]struct {
		res  *http.Response
		want tally
		tag  string
	}{
		"as asked for":           {reply(200, `{"n":7}`, "Preference-Applied", "return=representation", "ETag", `"v7"`), tally{7}, `"v7"`},
		"not said to be that":    {reply(200, `{"n":7}`, "ETag", `"v7"`), tally{2}, `"v7"`},
		"one that does not fit":  {reply(200, `<p>`, "Preference-Applied", "return=representation", "ETag", `"v7"`), tally{2}, ""},
		"a weak tag":             {reply(204, ``, "ETag", `W/"v7"`), tally{2}, ""},
		"accepted for later":     {reply(202, ``, "ETag", `"v7"`), tally{2}, ""},
		"to be looked at beside": {reply(303, ``, "ETag", `"v7"`, "Location", "/status"), tally{2}, ""},
	} {
		s := newShelf(t, `{"n":1}`, etag.Config{})
		s.answer = func(n int, _ *http.Request) *http.Response {
			if n == 2 {
				return c.res
			}
			return nil
		}
		got, tag, err := etag.Update(t.Context(), s.client(), where, increment)
		require.NoError(t, err, name)
		assert.Equal(t, c.want, got, name)
		assert.Equal(t, c.tag, tag.String(), name)
		assert.Equal(t, "GET PUT", s.methods(), name)
	}
}

// TestServersThatCannotBeUpdated are told by a typed error, and nothing is written.
func TestServersThatCannotBeUpdated(t *testing.T) {
	long := `{"n":` + strings.Repeat(" ", 1<<20) + `1}`
	for name, c := range map[string]struct {
		res  *http.Response
		step string
		is   error
	}{
		"no tag":           {reply(200, `{"n":1}`), "read", etag.ErrNoTag},
		"a weak tag":       {reply(200, `{"n":1}`, "ETag", `W/"a"`), "read", etag.ErrWeakTag},
		"an unquoted tag":  {reply(200, `{"n":1}`, "ETag", `a`), "read", nil},
		"two tags":         {reply(200, `{"n":1}`, "ETag", `"a"`, "ETag", `"b"`), "read", nil},
		"a page":           {reply(200, `<!doctype html>`, "ETag", `"a"`, "Content-Type", "text/html"), "decode", nil},
		"nothing":          {reply(200, ``, "ETag", `"a"`), "decode", nil},
		"two values":       {reply(200, `{"n":1}{"n":2}`, "ETag", `"a"`), "decode", nil},
		"another type":     {reply(200, `{"n":"one"}`, "ETag", `"a"`), "decode", nil},
		"a huge body":      {reply(200, long, "ETag", `"a"`), "read", etag.ErrTooLarge},
		"a part":           {reply(206, `{"n":1}`, "ETag", `"a"`), "read", nil},
		"no content":       {reply(204, ``, "ETag", `"a"`), "read", nil},
		"a login":          {reply(401, ``), "read", nil},
		"a broken server":  {reply(500, ``), "read", nil},
		"a reply of a 304": {reply(304, ``, "ETag", `"a"`), "read", nil},
	} {
		s := newShelf(t, "", etag.Config{})
		s.answer = func(int, *http.Request) *http.Response { return c.res }
		client := s.client()
		client.MaxBody = 1 << 20
		_, _, err := etag.Update(t.Context(), client, where, increment)
		var failed *etag.UpdateError
		require.ErrorAs(t, err, &failed, name)
		assert.Equal(t, c.step, failed.Step, name)
		if c.is != nil {
			require.ErrorIs(t, err, c.is, name)
		}
		assert.Equal(t, "GET", s.methods(), name)
	}
}

func TestUpdateGivesUpOnAServerThatIsAlwaysFaster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, "", etag.Config{})
		s.answer = func(n int, r *http.Request) *http.Response {
			if r.Method == "GET" {
				return reply(200, `{"n":1}`, "ETag", fmt.Sprintf(`"v%d"`, n))
			}
			return reply(412, "")
		}
		began := time.Now()
		_, _, err := etag.Update(t.Context(), s.client(), where, increment)
		var answer *etag.AnswerError
		require.ErrorAs(t, err, &answer)
		assert.Equal(t, 412, answer.Status)
		var failed *etag.UpdateError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, etag.DefaultAttempts, failed.Attempts)
		require.NotErrorIs(t, err, etag.ErrUnclear, "nothing was lost")
		assert.Less(t, time.Since(began), time.Second)
		assert.Equal(t, strings.TrimSpace(strings.Repeat("GET PUT ", etag.DefaultAttempts)), s.methods())
	})
}

func TestWhatAnUpdateWaitsFor(t *testing.T) {
	kind := func(k problem.Kind) func() *http.Response {
		return func() *http.Response { return answerWith(problem.New(k, "")) }
	}
	for name, c := range map[string]struct {
		res     func() *http.Response
		methods string
		status  int
	}{
		"resource-busy":         {kind(problem.KindResourceBusy), "GET PUT PUT", 0},
		"write-conflict":        {kind(problem.KindWriteConflict), "GET PUT PUT", 0},
		"validator-unavailable": {kind(problem.KindValidatorUnavailable), "GET PUT PUT", 0},
		"too many requests":     {func() *http.Response { return reply(429, "", "Retry-After", "7") }, "GET PUT PUT", 0},
		"a gateway":             {func() *http.Response { return reply(502, "") }, "GET PUT GET PUT", 0},
		"store-unavailable":     {kind(problem.KindStoreUnavailable), "GET PUT GET PUT", 0},
		"locked":                {kind(problem.KindLocked), "GET PUT", 409},
		"state-conflict":        {kind(problem.KindStateConflict), "GET PUT", 409},
		"precondition-required": {kind(problem.KindPreconditionRequired), "GET PUT", 428},
		"a failure":             {kind(problem.KindInternal), "GET PUT", 500},
		"not allowed":           {func() *http.Response { return reply(405, "") }, "GET PUT", 405},
		"a redirect to a GET":   {func() *http.Response { return reply(302, "", "Location", "/other") }, "GET PUT", 302},
		"later than MaxWait":    {func() *http.Response { return reply(429, "", "Retry-After", "61") }, "GET PUT", 429},
	} {
		bubble(t, name, func(t *testing.T) {
			s := newShelf(t, `{"n":1}`, etag.Config{})
			s.answer = func(n int, _ *http.Request) *http.Response {
				if n == 2 {
					return c.res()
				}
				return nil
			}
			got, _, err := etag.Update(t.Context(), s.client(), where, increment)
			assert.Equal(t, c.methods, s.methods())
			if c.status == 0 {
				require.NoError(t, err)
				assert.Equal(t, tally{2}, got)
				return
			}
			var answer *etag.AnswerError
			require.ErrorAs(t, err, &answer)
			assert.Equal(t, c.status, answer.Status)
			assert.Zero(t, s.writes)
		})
	}
}

// answerWith is p as a client gets it.
func answerWith(p *problem.Problem) *http.Response {
	w := do(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { problem.JSON(w, r, p) }), "PUT", "/", "")
	return w.Result()
}

func TestReadsAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, `{"n":1}`, etag.Config{})
		s.lose = on(1)
		s.answer = func(n int, _ *http.Request) *http.Response {
			if n == 2 {
				return reply(503, "", "Retry-After", "30")
			}
			return nil
		}
		began := time.Now()
		_, _, err := etag.Update(t.Context(), s.client(), where, increment)
		require.NoError(t, err)
		assert.Equal(t, "GET GET GET PUT", s.methods())
		assert.GreaterOrEqual(t, time.Since(began), 30*time.Second)
	})
}

func TestUpdateEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		s := newShelf(t, `{"n":1}`, etag.Config{})
		s.answer = func(_ int, r *http.Request) *http.Response {
			if r.Method == "PUT" {
				return reply(429, "", "Retry-After", "10")
			}
			return nil
		}
		began := time.Now()
		_, _, err := etag.Update(ctx, s.client(), where, increment)
		var answer *etag.AnswerError
		require.ErrorAs(t, err, &answer, "the last answer, and not a sleep into the deadline")
		assert.Equal(t, began, time.Now())

		ctx, cancel = context.WithCancel(t.Context())
		s.between = func(_ int, r *http.Request) {
			if r.Method == "PUT" {
				cancel()
			}
		}
		_, _, err = etag.Update(ctx, s.client(), where, increment)
		require.ErrorIs(t, err, context.Canceled)
	})
}
