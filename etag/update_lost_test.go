package etag_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/problem"
)

// TestLostAnswerIsItsOwnSuccess: the write was done, and only the answer lost.
func TestLostAnswerIsItsOwnSuccess(t *testing.T) {
	for name, doc := range map[string]string{"a change": `{"n":1}`, "a creation": ""} {
		for _, method := range []string{"PUT", "PATCH"} {
			bubble(t, method+" "+name, func(t *testing.T) {
				s := newShelf(t, doc, etag.Config{})
				s.lose = on(2)
				c := s.client()
				c.Method = method
				calls := 0
				got, tag, err := etag.Update(t.Context(), c, where, func(c *tally) error {
					calls++
					return increment(c)
				})
				require.NoError(t, err)
				assert.Equal(t, s.doc, mustJSON(t, got))
				assert.Equal(t, etag.Of([]byte(s.doc)), tag, "the read tells it")
				assert.Equal(t, 1, s.writes, "it was done once")
				assert.Equal(t, 1, calls)
			})
		}
	}
}

// TestLostAnswerOfTheLastAttempt is looked for all the same.
func TestLostAnswerOfTheLastAttempt(t *testing.T) {
	s := newShelf(t, `{"n":1}`, etag.Config{})
	s.lose = on(2)
	c := s.client()
	c.Attempts = 1
	got, _, err := etag.Update(t.Context(), c, where, increment)
	require.NoError(t, err)
	assert.Equal(t, tally{2}, got)
	assert.Equal(t, "GET PUT GET", s.methods())
}

func TestLostRequestIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, `{"n":1}`, etag.Config{})
		s.answer = func(n int, _ *http.Request) *http.Response {
			if n == 2 {
				return reply(504, "") // it never arrived
			}
			return nil
		}
		got, _, err := etag.Update(t.Context(), s.client(), where, increment)
		require.NoError(t, err)
		assert.Equal(t, tally{2}, got)
		assert.Equal(t, 1, s.writes)
	})
}

// TestLateWriteIsItsOwnSuccess: the first write was held up on the way, and arrives
// just before the second one, which is then stale by the client's own doing.
func TestLateWriteIsItsOwnSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, `{"n":1}`, etag.Config{})
		s.answer = func(n int, r *http.Request) *http.Response {
			if n == 2 {
				return reply(502, "")
			}
			return nil
		}
		s.between = func(n int, _ *http.Request) {
			if n == 4 {
				s.put(`{"n":2}`)
			}
		}
		got, tag, err := etag.Update(t.Context(), s.client(), where, increment)
		require.NoError(t, err)
		assert.Equal(t, tally{2}, got)
		assert.Equal(t, etag.Of([]byte(`{"n":2}`)), tag)
		assert.Equal(t, "GET PUT GET PUT", s.methods())
		assert.Zero(t, s.writes, "the second was refused")
	})
}

// TestUnclearWriteIsNotDoneTwice: what is there now is neither what was read nor
// what was sent, so that it may have been done before somebody else's.
func TestUnclearWriteIsNotDoneTwice(t *testing.T) {
	for name, doc := range map[string]string{"another's write over it": `{"n":12}`, "what the server adds": `{"n":3}`} {
		bubble(t, name, func(t *testing.T) {
			s := newShelf(t, `{"n":1}`, etag.Config{})
			s.lose = on(2)
			s.between = func(n int, _ *http.Request) {
				if n == 3 {
					s.put(doc)
				}
			}
			_, _, err := etag.Update(t.Context(), s.client(), where, increment)
			require.ErrorIs(t, err, etag.ErrUnclear)
			var failed *etag.UpdateError
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, "write", failed.Step)
			assert.Equal(t, 1, s.writes)
		})
	}
}

func TestUnclearIsSaidWhateverEndsTheUpdate(t *testing.T) {
	for name, end := range map[string]*http.Response{
		"no more reads":  reply(403, ""),
		"no more tags":   reply(200, `{"n":2}`),
		"no more server": reply(503, ""),
	} {
		bubble(t, name, func(t *testing.T) {
			s := newShelf(t, `{"n":1}`, etag.Config{})
			s.lose = on(2)
			s.answer = func(n int, _ *http.Request) *http.Response {
				if n > 2 {
					return end
				}
				return nil
			}
			_, _, err := etag.Update(t.Context(), s.client(), where, increment)
			require.ErrorIs(t, err, etag.ErrUnclear)
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := newShelf(t, `{"n":1}`, etag.Config{})
	s.lose = func(n int, _ *http.Request) bool {
		if n == 2 {
			cancel()
		}
		return n == 2
	}
	_, _, err := etag.Update(ctx, s.client(), where, increment)
	require.ErrorIs(t, err, etag.ErrUnclear)
	require.ErrorIs(t, err, context.Canceled)
}

// TestEqualWriteOfAnotherIsNoOwnSuccess: two clients count from 1 to 2. The one that
// is refused knows that it was not its own write, since its answer came.
func TestEqualWriteOfAnotherIsNoOwnSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, `{"n":1}`, etag.Config{})
		s.between = func(n int, _ *http.Request) {
			if n == 2 {
				s.put(`{"n":2}`)
			}
		}
		got, _, err := etag.Update(t.Context(), s.client(), where, increment)
		require.NoError(t, err)
		assert.Equal(t, tally{3}, got)
	})
}

// TestAnswerFromBeforeTheClaimTellsNothingOfAnEarlierAttempt: the transport has sent
// the write twice. The first one was done, and its answer lost; the second one did
// not come as far as the server's record of the key.
func TestAnswerFromBeforeTheClaimTellsNothingOfAnEarlierAttempt(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		others  bool // somebody else has written since
		unclear bool
	}{
		"a limit":                      {status: http.StatusTooManyRequests},
		"too early":                    {status: http.StatusTooEarly},
		"a login":                      {status: http.StatusUnauthorized},
		"a failure":                    {status: http.StatusInternalServerError},
		"a limit, and another's write": {status: http.StatusTooManyRequests, others: true, unclear: true},
		"a login, and another's write": {status: http.StatusUnauthorized, others: true, unclear: true},
	} {
		bubble(t, name, func(t *testing.T) {
			s := newShelf(t, `{"n":1}`, etag.Config{})
			s.lose = on(2)
			s.answer = func(n int, _ *http.Request) *http.Response {
				if n != 3 {
					return nil
				}
				if c.others {
					s.put(`{"n":12}`)
				}
				return reply(c.status, "", "Retry-After", "1")
			}
			client := &etag.Client{Keyed: true, HTTP: &http.Client{Transport: &idempotency.Transport{Base: s, Attempts: 2}}}
			got, _, err := etag.Update(t.Context(), client, where, increment)
			assert.Equal(t, 1, s.writes, "it was done once")
			if c.unclear {
				require.ErrorIs(t, err, etag.ErrUnclear)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tally{2}, got)
			assert.Equal(t, "GET PUT PUT GET", s.methods())
		})
	}
}

// TestWhatTheServerSaysOfAnEarlierAttempt ends the update: it was done, or nobody
// knows.
func TestWhatTheServerSaysOfAnEarlierAttempt(t *testing.T) {
	for name, c := range map[string]struct {
		kind     problem.Kind
		original any
		between  string // written by somebody else before the client looks
		methods  string
		is       error
		done     bool
	}{
		"done, its reply not kept":           {problem.KindResponseNotRetained, 204, `{"n":12}`, "GET PUT PUT", nil, true},
		"refused, its reply not kept":        {problem.KindResponseNotRetained, 422, "", "GET PUT PUT", nil, false},
		"a reply not kept, without a status": {problem.KindResponseNotRetained, nil, "", "GET PUT PUT", nil, false},
		"nobody knows, and it was done":      {problem.KindOutcomeUnknown, nil, "", "GET PUT PUT GET", nil, true},
		"nobody knows":                       {problem.KindOutcomeUnknown, nil, `{"n":12}`, "GET PUT PUT GET", etag.ErrUnclear, false},
		"nobody knows, and it is as it was":  {problem.KindOutcomeUnknown, nil, `{"n":1}`, "GET PUT PUT GET", etag.ErrUnclear, false},
	} {
		bubble(t, name, func(t *testing.T) {
			s := newShelf(t, `{"n":1}`, etag.Config{})
			s.lose = on(2)
			s.answer = func(n int, _ *http.Request) *http.Response {
				if n != 3 {
					return nil
				}
				if c.between != "" {
					s.put(c.between)
				}
				p := problem.New(c.kind, "")
				p.Extensions = map[string]any{"original_status": c.original}
				return answerWith(p)
			}
			client := &etag.Client{Keyed: true, HTTP: &http.Client{Transport: &idempotency.Transport{Base: s}}}
			got, _, err := etag.Update(t.Context(), client, where, increment)
			assert.Equal(t, c.methods, s.methods())
			assert.Equal(t, 1, s.writes, "never under another key")
			if c.done {
				require.NoError(t, err)
				assert.Equal(t, tally{2}, got)
				return
			}
			var p *problem.Problem
			require.ErrorAs(t, err, &p)
			assert.Equal(t, c.kind, p.Kind)
			if c.is != nil {
				require.ErrorIs(t, err, c.is)
			} else {
				require.NotErrorIs(t, err, etag.ErrUnclear)
			}
		})
	}
}

// TestDeletedAfterALostAnswer is unclear too, also if there is no attempt left.
func TestDeletedAfterALostAnswer(t *testing.T) {
	for _, attempts := range []int{1, 2} {
		bubble(t, fmt.Sprint(attempts), func(t *testing.T) {
			s := newShelf(t, `{"n":1}`, etag.Config{})
			s.lose = on(2)
			s.between = func(n int, _ *http.Request) {
				if n == 3 {
					s.put("")
				}
			}
			c := s.client()
			c.Attempts = attempts
			_, _, err := etag.Update(t.Context(), c, where, increment)
			require.ErrorIs(t, err, etag.ErrDeleted)
			require.ErrorIs(t, err, etag.ErrUnclear)
		})
	}
}

// TestWriteThatWasNotSentIsNotUnclear: the transport refuses the key.
func TestWriteThatWasNotSentIsNotUnclear(t *testing.T) {
	s := newShelf(t, `{"n":1}`, etag.Config{})
	client := &etag.Client{Keyed: true, HTTP: &http.Client{Transport: &idempotency.Transport{Base: s}}}
	_, _, err := etag.Update(idempotency.WithKey(t.Context(), ""), client, where, increment)
	require.ErrorIs(t, err, idempotency.ErrInvalidKey)
	require.NotErrorIs(t, err, etag.ErrUnclear)
	assert.Equal(t, "GET", s.methods())
}

// TestStaleAfterAResend: a server that keeps no keys calls its own client's write
// stale when that comes again.
func TestStaleAfterAResend(t *testing.T) {
	for name, c := range map[string]struct {
		between string // written by somebody else before the write comes again
		keyed   bool
		doc     string
		methods string
		is      error
	}{
		"it was done":                            {"", false, `{"n":2}`, "GET PUT PUT GET", nil},
		"it was done, and somebody came":         {`{"n":12}`, false, `{"n":12}`, "GET PUT PUT GET", etag.ErrUnclear},
		"keys are kept, and somebody was faster": {`{"n":12}`, true, `{"n":13}`, "GET PUT PUT PUT", nil},
	} {
		bubble(t, name, func(t *testing.T) {
			s := newShelf(t, `{"n":1}`, etag.Config{})
			if !c.keyed {
				s.lose = on(2)
			}
			s.between = func(n int, _ *http.Request) {
				if n == 3 && c.between != "" {
					s.put(c.between)
				}
			}
			if c.keyed {
				s.answer = func(n int, _ *http.Request) *http.Response {
					if n == 2 {
						return reply(http.StatusBadGateway, "") // and it never arrived
					}
					return nil
				}
			}
			client := &etag.Client{Keyed: c.keyed, HTTP: &http.Client{Transport: &idempotency.Transport{Base: s}}}
			_, _, err := etag.Update(t.Context(), client, where, increment)
			require.ErrorIs(t, err, c.is)
			assert.JSONEq(t, c.doc, s.doc)
			assert.Equal(t, c.methods, s.methods())
		})
	}
}
