package idempotency_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/problem"
)

// recorded is what a client gets of p.
func recorded(respond problem.Responder, p *problem.Problem) *http.Response {
	w := httptest.NewRecorder()
	respond(w, nil, p)
	return w.Result()
}

var errReset = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}

func TestTransportSendsOneKeyForAllAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scripted(fails(errReset), fails(io.ErrUnexpectedEOF), says(503, ""), says(201, "charge 1"))
		r := call(t.Context(), t, "EUR 5")
		before := r.Clone(t.Context())
		res, err := transport(s).RoundTrip(r)
		require.NoError(t, err)
		assert.Equal(t, "charge 1", text(t, res))

		require.Len(t, s.keys, 4)
		assert.Regexp(t, `^"[A-Z2-7]{26}"$`, s.keys[0])
		for i := range s.keys {
			assert.Equal(t, s.keys[0], s.keys[i])
			assert.Equal(t, "EUR 5", s.bodies[i], "each attempt has the whole body")
		}
		assert.Equal(t, s.keys[0], res.Request.Header.Get("Idempotency-Key"), "the caller can learn it")
		assert.Equal(t, before.Header, r.Header, "the request is the caller's")

		_, err = transport(s).RoundTrip(call(t.Context(), t, "EUR 5"))
		require.NoError(t, err)
		assert.NotEqual(t, s.keys[0], s.keys[4], "another call is another operation")
	})
}

func TestTransportSendsTheKeyOfTheContext(t *testing.T) {
	for key, want := range map[string]string{
		"order 7":                `"order 7"`,
		`say "hi" \o/`:           `"say \"hi\" \\o/"`,
		strings.Repeat("k", 255): `"` + strings.Repeat("k", 255) + `"`,
		strings.Repeat(`"`, 255): `"` + strings.Repeat(`\"`, 255) + `"`,
		"!#$%&'()*+,-./:;<=>?@~": `"!#$%&'()*+,-./:;<=>?@~"`,
	} {
		s := scripted(says(200, ""))
		_, err := transport(s).RoundTrip(call(idempotency.WithKey(t.Context(), key), t, ""))
		require.NoError(t, err)
		assert.Equal(t, []string{want}, s.keys)

		pay := &till{}
		h := newLayer(t, idempotency.Config{Strict: true}).Handler(pay)
		assert.Equal(t, 201, send(h, post(want, "{}")).Code, "the server reads it, strict as it is")
		assert.Equal(t, 201, send(h, post(want, "{}")).Code)
		assert.EqualValues(t, 1, pay.runs.Load())
	}
}

func TestTransportSendsNothingUnderAKeyThatIsNone(t *testing.T) {
	for _, key := range []string{"", strings.Repeat("k", 256), "line\nbreak", "tab\t", "ключ", "\x7f", "\x00"} {
		s, body := scripted(says(200, "")), &leftBody{Reader: strings.NewReader("x")}
		r := call(idempotency.WithKey(t.Context(), key), t, "x")
		r.Body = body
		_, err := transport(s).RoundTrip(r)
		require.ErrorIs(t, err, idempotency.ErrInvalidKey, "%q", key)
		assert.Zero(t, s.sent())
		assert.True(t, body.closed, "a RoundTripper closes the body also when it fails")
	}
}

func TestTransportKeepsTheCallersOwnField(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scripted(says(503, ""), says(200, ""))
		r := call(idempotency.WithKey(t.Context(), "of the context"), t, "")
		r.Header.Set("Idempotency-Key", "mine;a=1")
		_, err := transport(s).RoundTrip(r)
		require.NoError(t, err)
		assert.Equal(t, []string{"mine;a=1", "mine;a=1"}, s.keys)
	})
}

func TestTransportHasAnotherFieldIfItIsToldSo(t *testing.T) {
	var sent http.Header
	s := scripted(func(r *http.Request) (*http.Response, error) { sent = r.Header; return says(200, "")(r) })
	_, err := (&idempotency.Transport{Base: s, Header: "x-request-key"}).RoundTrip(call(idempotency.WithKey(t.Context(), "k"), t, ""))
	require.NoError(t, err)
	assert.Equal(t, http.Header{"X-Request-Key": {`"k"`}}, sent)
}

func TestTransportLeavesOtherMethodsAlone(t *testing.T) {
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "LOCK", "UNLOCK", ""} {
		var got *http.Request
		s := scripted(func(r *http.Request) (*http.Response, error) { got = r; return says(503, "")(r) })
		r := call(idempotency.WithKey(t.Context(), "k"), t, "")
		r.Method = method
		res, err := transport(s).RoundTrip(r)
		require.NoError(t, err)
		assert.Equal(t, 503, res.StatusCode)
		assert.Same(t, r, got, method)
		assert.Equal(t, 1, s.sent(), method)
	}
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		s := scripted(says(200, ""))
		r := call(t.Context(), t, "")
		r.Method = method
		_, err := transport(s).RoundTrip(r)
		require.NoError(t, err)
		assert.NotEmpty(t, s.keys[0], method)
	}
	s := scripted(says(200, ""))
	_, err := (&idempotency.Transport{Base: s, Methods: []string{"PUT"}}).RoundTrip(call(t.Context(), t, ""))
	require.NoError(t, err)
	assert.Empty(t, s.keys[0])
}

func TestWhatTransportSendsAgain(t *testing.T) {
	type again struct {
		turn turn
		want bool
	}
	cases := map[string]again{
		"a broken connection":        {fails(errReset), true},
		"an early end":               {fails(io.EOF), true},
		"a timeout of the transport": {fails(&net.OpError{Op: "dial", Err: timeout{}}), true},
		"TLS to a server without":    {fails(http.ErrSchemeMismatch), false},
		"409, a page":                {says(409, "<p>No", "Content-Type", "text/html"), false},
		"409, a problem of no kind":  {refuses(problem.OfStatus(409, "No.", nil)), false},
		"409, of another server": {says(409, `{"type":"https://other.example/resource-busy"}`,
			"Content-Type", "application/problem+json"), false},
	}
	passing := map[int]bool{425: true, 429: true, 502: true, 503: true, 504: true}
	for status := 200; status < 600; status++ {
		cases[fmt.Sprint(status)] = again{says(status, ""), passing[status]}
	}
	retried := map[problem.Kind]bool{problem.KindRequestInFlight: true, problem.KindResourceBusy: true, problem.KindWriteConflict: true}
	for _, kind := range []problem.Kind{
		problem.KindRequestInFlight, problem.KindResourceBusy, problem.KindWriteConflict, problem.KindLocked, problem.KindDuplicate,
		problem.KindStateConflict, problem.KindDependency, problem.KindOutcomeUnknown, problem.KindResponseNotRetained, problem.KindKeyReused,
	} {
		cases[string(kind)] = again{refuses(problem.New(kind, "")), retried[kind]}
	}
	for name, c := range cases {
		synctest.Test(t, func(t *testing.T) {
			s := scripted(c.turn, says(200, "done"))
			_, _ = transport(s).RoundTrip(call(t.Context(), t, "x"))
			want := 1
			if c.want {
				want = 2
			}
			assert.Equal(t, want, s.sent(), name)
		})
	}
}

func TestMalformedRequestsAreNotSentAgain(t *testing.T) {
	for name, target := range map[string]*url.URL{"no address": nil, "no host": {Scheme: "http"}, "no scheme": {Host: "api.example"}} {
		s := scripted(fails(errors.New("nowhere to go")))
		r := call(t.Context(), t, "x")
		r.URL = target
		_, err := transport(s).RoundTrip(r)
		require.Error(t, err, name)
		assert.Equal(t, 1, s.sent(), name)
	}
}

type timeout struct{}

func (timeout) Error() string { return "it took too long" }
func (timeout) Timeout() bool { return true }

func TestRefusalsComeBackAsTypedErrors(t *testing.T) {
	for _, kind := range []problem.Kind{
		problem.KindLocked, problem.KindDuplicate, problem.KindStateConflict, problem.KindDependency,
		problem.KindOutcomeUnknown, problem.KindResponseNotRetained, problem.KindKeyReused, "slot-taken",
	} {
		p := problem.New(kind, "No.")
		if kind == "slot-taken" {
			p.Status, p.Type = 409, "/problems#slot-taken"
		}
		s := scripted(refuses(p))
		client := &http.Client{Transport: transport(s)}
		_, err := client.Do(call(idempotency.WithKey(t.Context(), "SECRET"), t, "x"))
		var refused *idempotency.RefusedError
		require.ErrorAs(t, err, &refused, kind)
		assert.Equal(t, "SECRET", refused.Key)
		var found *problem.Problem
		require.ErrorAs(t, err, &found)
		assert.Equal(t, kind, found.Kind)
		assert.Same(t, refused.Problem, found)
		assert.NotContains(t, err.Error(), "SECRET", "keys are not for logs")
		assert.True(t, s.left[0].closed)
		assert.Equal(t, 1, s.sent())

		_, passedOn := problem.From(err)
		assert.False(t, passedOn, "a server does not tell its clients what it was told")
	}
}

func TestRefusalsComeBackAsAnswersIfAskedFor(t *testing.T) {
	s := scripted(refuses(problem.New(problem.KindKeyReused, "No.")))
	res, err := (&idempotency.Transport{Base: s, Answers: true}).RoundTrip(call(t.Context(), t, "x"))
	require.NoError(t, err)
	assert.Equal(t, 422, res.StatusCode)
	assert.Contains(t, text(t, res), "key-reused", "the body is there to be read")
}

func TestOrdinaryErrorsAreAnswers(t *testing.T) {
	for name, turn := range map[string]turn{
		"a validation": says(422, `{"errors":["name is too long"]}`, "Content-Type", "application/json"),
		"a problem of another server": says(422, `{"errors":["name is too long"],"type":"https://other.example/duplicate"}`,
			"Content-Type", "application/problem+json"),
		"a problem that cannot be read": says(409, `{"errors":["name is too long"]`, "Content-Type", "application/problem+json"),
		"a status of no conflict":       says(400, `{"errors":["name is too long"]}`, "Content-Type", "application/problem+json"),
	} {
		res, err := transport(scripted(turn)).RoundTrip(call(t.Context(), t, "x"))
		require.NoError(t, err, name)
		assert.Contains(t, text(t, res), "name is too long", name)
	}
}

func TestRetryAfterIsWaitedFor(t *testing.T) {
	for name, c := range map[string]struct {
		value       string
		least, most time.Duration
	}{
		"seconds":          {"30", 30 * time.Second, 30*time.Second + idempotency.DefaultBackoff},
		"a date":           {"Sat, 01 Jan 2000 00:00:20 GMT", 20 * time.Second, 20*time.Second + idempotency.DefaultBackoff},
		"a date long ago":  {"Fri, 31 Dec 1999 00:00:00 GMT", 0, idempotency.DefaultBackoff},
		"zero":             {"0", 0, idempotency.DefaultBackoff},
		"none":             {"", 0, idempotency.DefaultBackoff},
		"negative":         {"-30", 0, idempotency.DefaultBackoff},
		"not to be read":   {"in a moment", 0, idempotency.DefaultBackoff},
		"exactly the most": {"60", time.Minute, time.Minute + idempotency.DefaultBackoff},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := scripted(says(503, "", "Retry-After", c.value), says(200, ""))
			began := time.Now() // midnight of 2000-01-01 in a bubble
			res, err := transport(s).RoundTrip(call(t.Context(), t, "x"))
			require.NoError(t, err)
			assert.Equal(t, 200, res.StatusCode, name)
			assert.GreaterOrEqual(t, time.Since(began), c.least, name)
			assert.Less(t, time.Since(began), max(c.most, 1), name)
		})
	}
}

func TestTransportDoesNotSleepIntoTheDeadline(t *testing.T) {
	for name, c := range map[string]struct {
		wait  string
		limit time.Duration
	}{
		"longer than the context lasts":      {"30", 20 * time.Second},
		"as long as the context":             {"30", 30 * time.Second},
		"longer than MaxWait":                {"61", 0},
		"longer than any duration":           {"99999999999999999999", 0},
		"a date longer than MaxWait from it": {"Sun, 02 Jan 2000 00:00:00 GMT", 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx := t.Context()
			if c.limit > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, c.limit)
				defer cancel()
			}
			s := scripted(says(503, "maintenance", "Retry-After", c.wait))
			began := time.Now()
			res, err := transport(s).RoundTrip(call(ctx, t, "x"))
			require.NoError(t, err, name)
			assert.Equal(t, "maintenance", text(t, res), "the last answer, whole: "+name)
			assert.Equal(t, began, time.Now(), "at once: "+name)
			assert.Equal(t, 1, s.sent(), name)
		})
	}
}

func TestLastAnswerIsTheCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scripted(refuses(problem.New(problem.KindRequestInFlight, "Not yet.")))
		res, err := transport(s).RoundTrip(call(t.Context(), t, "x"))
		require.NoError(t, err)
		assert.Equal(t, idempotency.DefaultAttempts, s.sent())
		for i, left := range s.left {
			assert.Equal(t, i < idempotency.DefaultAttempts-1, left.closed)
		}
		p, err := problem.Parse(res)
		require.NoError(t, err)
		assert.Equal(t, problem.KindRequestInFlight, p.Kind)
	})
}

func TestNoAnswerIsATypedError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scripted(fails(&net.OpError{Op: "read", Err: timeout{}}))
		client := &http.Client{Transport: transport(s)}
		_, err := client.Do(call(idempotency.WithKey(t.Context(), "SECRET"), t, "x"))
		var unanswered *idempotency.UnansweredError
		require.ErrorAs(t, err, &unanswered)
		assert.Equal(t, "SECRET", unanswered.Key, "to ask again with")
		assert.Equal(t, 4, unanswered.Attempts)
		assert.Equal(t, "idempotency: no answer after 4 attempts: read: it took too long", unanswered.Error())
		var failed *net.OpError
		require.ErrorAs(t, err, &failed)
		var of *url.Error
		require.ErrorAs(t, err, &of)
		assert.True(t, of.Timeout())
		assert.False(t, (&idempotency.UnansweredError{Err: io.EOF}).Timeout())
	})
}

func TestTransportStopsWithItsContext(t *testing.T) {
	for name, turn := range map[string]turn{"an answer": says(503, "", "Retry-After", "30"), "none": fails(errReset)} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			s := scripted(turn)
			tr := &idempotency.Transport{Base: s, Backoff: time.Hour, MaxBackoff: time.Hour, Attempts: 1 << 30, Burst: 1 << 30}
			time.AfterFunc(10*time.Hour, cancel)
			_, err := tr.RoundTrip(call(ctx, t, "x"))
			require.ErrorIs(t, err, context.Canceled, name)
			var unanswered *idempotency.UnansweredError
			require.ErrorAs(t, err, &unanswered, name)
			assert.Equal(t, s.sent(), unanswered.Attempts)
			for _, left := range s.left {
				assert.True(t, left.closed, name)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := scripted(func(*http.Request) (*http.Response, error) { cancel(); return nil, errReset })
	_, err := transport(s).RoundTrip(call(ctx, t, "x"))
	require.Error(t, err)
	assert.Equal(t, 1, s.sent(), "whoever has cancelled does not wait for another attempt")
}

func TestUnreplayableBodyIsReportedBeforeItIsSent(t *testing.T) {
	body := &leftBody{Reader: strings.NewReader("x")}
	r := call(t.Context(), t, "x")
	r.Body, r.GetBody = body, nil
	s := scripted(says(503, ""))
	_, err := (&http.Client{Transport: transport(s)}).Do(r)
	require.ErrorIs(t, err, idempotency.ErrUnreplayableBody)
	assert.Zero(t, s.sent())
	assert.True(t, body.closed)

	// Who sends once needs no second body, and nobody needs one that has none.
	r.Body = io.NopCloser(strings.NewReader("x"))
	_, err = (&idempotency.Transport{Base: s, Attempts: 1}).RoundTrip(r)
	require.NoError(t, err)
	assert.Equal(t, []string{"x"}, s.bodies)
	for _, none := range []io.ReadCloser{nil, http.NoBody} {
		r.Body = none
		_, err = transport(scripted(says(200, ""))).RoundTrip(r)
		require.NoError(t, err)
	}
}

func TestBodyThatCannotBeReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := errors.New("the file is gone")
		r := call(t.Context(), t, "x")
		r.GetBody = func() (io.ReadCloser, error) { return nil, gone }
		s := scripted(fails(errReset))
		_, err := transport(s).RoundTrip(r)
		require.ErrorIs(t, err, gone)
		var unanswered *idempotency.UnansweredError
		require.ErrorAs(t, err, &unanswered)
		assert.Equal(t, 1, unanswered.Attempts)
	})
}

// TestRetriesHaveABudget: a server that is down gets a tenth more requests, and
// not four times as many.
func TestRetriesHaveABudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scripted(says(503, "down"))
		tr := transport(s)
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				res, err := tr.RoundTrip(call(t.Context(), t, "x"))
				if assert.NoError(t, err) {
					assert.Equal(t, "down", text(t, res))
				}
			})
		}
		wg.Wait()
		assert.LessOrEqual(t, s.sent(), 1000+1000/10+idempotency.DefaultBurst)
		assert.GreaterOrEqual(t, s.sent(), 1000+idempotency.DefaultBurst)
	})
}

func TestBudgetIsEarnedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := scripted(says(503, ""))
		tr := &idempotency.Transport{Base: down, Burst: 2}
		retries := func() int {
			before := down.sent()
			_, err := tr.RoundTrip(call(t.Context(), t, "x"))
			require.NoError(t, err)
			return down.sent() - before - 1
		}
		assert.Equal(t, 2, retries())
		var got []int
		for range 20 {
			got = append(got, retries())
		}
		assert.Equal(t, []int{0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, got)
	})
}

// TestRetriesThatAreAnsweredCostNothing: a server that answers is not kept down.
func TestRetriesThatAreAnsweredCostNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &idempotency.Transport{Burst: 2}
		for range 100 {
			tr.Base = scripted(says(502, ""), says(503, ""), says(201, ""))
			res, err := tr.RoundTrip(call(t.Context(), t, "x"))
			require.NoError(t, err)
			require.Equal(t, 201, res.StatusCode)
		}
	})
}

func TestCloseIdleConnectionsReachesTheBase(t *testing.T) {
	base := &closing{}
	(&http.Client{Transport: transport(base)}).CloseIdleConnections()
	assert.True(t, base.closed)
	transport(scripted()).CloseIdleConnections()
}

type closing struct {
	http.RoundTripper
	closed bool
}

func (c *closing) CloseIdleConnections() { c.closed = true }

// TestBaseThatBreaksItsContract neither panics nor leaves a body open.
func TestBaseThatBreaksItsContract(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var left []*leftBody
		base := roundTrip(func(*http.Request) (*http.Response, error) {
			left = append(left, &leftBody{Reader: strings.NewReader("x")})
			return &http.Response{StatusCode: 200, Body: left[len(left)-1]}, errReset
		})
		_, err := transport(base).RoundTrip(call(t.Context(), t, "x"))
		require.ErrorIs(t, err, errReset)
		assert.Len(t, left, idempotency.DefaultAttempts)
		for _, body := range left {
			assert.True(t, body.closed, "an answer beside an error")
		}

		nothing := roundTrip(func(*http.Request) (*http.Response, error) { return nil, nil })
		_, err = (&http.Client{Transport: transport(nothing)}).Do(call(t.Context(), t, "x"))
		var unanswered *idempotency.UnansweredError
		require.ErrorAs(t, err, &unanswered)
		assert.Equal(t, 1, unanswered.Attempts, "it does the same the next time")
	})
}

// TestConflictThatBreaksOffIsNoAnswer: whether it is one that passes is in the part
// that did not come.
func TestConflictThatBreaksOffIsNoAnswer(t *testing.T) {
	broken := func(status int, contentType string) turn {
		return func(*http.Request) (*http.Response, error) {
			body := io.MultiReader(strings.NewReader(`{"type":`), iotest.ErrReader(errReset))
			return &http.Response{
				StatusCode: status, Header: http.Header{"Content-Type": {contentType}},
				Body: io.NopCloser(body), ContentLength: 100,
			}, nil
		}
	}
	for _, status := range []int{409, 422} {
		synctest.Test(t, func(t *testing.T) {
			s := scripted(broken(status, "application/problem+json"), says(200, "done"))
			res, err := transport(s).RoundTrip(call(t.Context(), t, "x"))
			require.NoError(t, err)
			assert.Equal(t, "done", text(t, res))
			assert.Equal(t, []string{s.keys[0], s.keys[0]}, s.keys)
			assert.True(t, s.left[0].closed)

			s = scripted(broken(status, "application/problem+json"))
			_, err = transport(s).RoundTrip(call(t.Context(), t, "x"))
			require.ErrorIs(t, err, errReset)
			var unanswered *idempotency.UnansweredError
			require.ErrorAs(t, err, &unanswered)

			s = scripted(broken(status, "application/json"))
			res, err = transport(s).RoundTrip(call(t.Context(), t, "x"))
			require.NoError(t, err, "what is no problem is the caller's to read")
			assert.Equal(t, status, res.StatusCode)
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
