package problem_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware/problem"
)

// render answers one request with p and returns the answer.
func render(respond problem.Responder, p *problem.Problem, method string, fields ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/seats/12", nil)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	respond(w, r, p)
	return w
}

func TestConstructorsNameTheirKind(t *testing.T) {
	for kind, p := range map[problem.Kind]*problem.Problem{
		problem.KindVersionMismatch: problem.VersionMismatch("d"),
		problem.KindDuplicate:       problem.Duplicate("d"),
		problem.KindStateConflict:   problem.StateConflict("d"),
		problem.KindDependency:      problem.Dependency("d"),
		problem.KindLocked:          problem.Locked("d", "Ada", time.Now()),
	} {
		want := problem.New(kind, "d")
		assert.Equal(t, want.Kind, p.Kind)
		assert.Equal(t, want.Status, p.Status)
		assert.Equal(t, want.Title, p.Title)
		assert.Equal(t, want.Retryable, p.Retryable)
		assert.Equal(t, "d", p.Detail)
	}
}

func TestLockedSaysWhoAndForHowLong(t *testing.T) {
	for name, c := range map[string]struct {
		left       time.Duration
		retryAfter string
	}{
		"a fraction of a second is rounded up": {1500 * time.Millisecond, "2"},
		"whole seconds stay":                   {5 * time.Minute, "300"},
		"a moment is a second":                 {time.Nanosecond, "1"},
		"an expiry in the past is a second":    {-time.Hour, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				expires := time.Now().Add(c.left)
				p := problem.Locked("Ada is editing.", "Ada", expires)
				assert.Equal(t, c.retryAfter, p.Header.Get("Retry-After"))
				assert.Equal(t, map[string]any{"holder": "Ada", "expires": expires.UTC().Format(time.RFC3339)}, p.Extensions)
			})
		})
	}
	for name, c := range map[string]struct {
		expires             time.Time
		retryAfter, written string
	}{
		"further in the past than durations reach":   {time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC), "1", "0001-01-01T00:00:00Z"},
		"further in the future than durations reach": {time.Date(9999, 12, 31, 23, 59, 59, 5, time.UTC), "2147483647", "9999-12-31T23:59:59Z"},
		"a year of five digits":                      {time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), "2147483647", "9999-12-31T23:59:59Z"},
		"five digits in UTC only":                    {time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -7200)), "2147483647", "9999-12-31T23:59:59Z"},
		"a year below zero":                          {time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), "1", "0000-01-01T00:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			p := problem.Locked("d", "", c.expires)
			assert.Equal(t, c.retryAfter, p.Header.Get("Retry-After"))
			assert.Equal(t, c.written, p.Extensions["expires"])
			_, err := time.Parse(time.RFC3339, c.written)
			assert.NoError(t, err)
		})
	}
	t.Run("what is not known is left out", func(t *testing.T) {
		p := problem.Locked("Somebody is editing.", "", time.Time{})
		assert.Empty(t, p.Extensions)
		assert.Equal(t, "1", p.Header.Get("Retry-After"))
	})
}

func TestRetryInRoundsUp(t *testing.T) {
	p := new(problem.Problem)
	for d, seconds := range map[time.Duration]string{
		-time.Second: "1", 0: "1", time.Second: "1", time.Second + 1: "2", math.MaxInt64: "2147483647",
	} {
		p.RetryIn(d)
		assert.Equal(t, []string{seconds}, p.Header["Retry-After"])
	}
}

func TestProblemIsAnError(t *testing.T) {
	cause := context.DeadlineExceeded
	p := problem.Duplicate("The name is in use.")
	p.Err = cause
	wrapped := fmt.Errorf("saving: %w", p)

	var found *problem.Problem
	require.ErrorAs(t, wrapped, &found)
	assert.Same(t, p, found)
	require.ErrorIs(t, wrapped, cause)
	assert.Equal(t, "problem: duplicate: The name is in use.: context deadline exceeded", p.Error())

	var none *problem.Problem
	assert.NotPanics(t, func() { _ = none.Error(); _ = none.Unwrap() })
}

func TestFromFindsTheProblemAnywhere(t *testing.T) {
	p := problem.StateConflict("Taken.")
	for name, err := range map[string]error{
		"bare":    p,
		"wrapped": fmt.Errorf("a: %w", fmt.Errorf("b: %w", p)),
		"joined":  errors.Join(io.EOF, p),
	} {
		got, ok := problem.From(err)
		require.True(t, ok, name)
		assert.Same(t, p, got, name)
	}
	var none *problem.Problem
	for name, err := range map[string]error{
		"behind a nil one":         errors.Join(none, p),
		"behind several":           errors.Join(none, fmt.Errorf("a: %w", none), io.EOF, fmt.Errorf("b: %w", p)),
		"behind one wrapped twice": fmt.Errorf("%w, %w", fmt.Errorf("a: %w", none), p),
	} {
		got, ok := problem.From(err)
		require.True(t, ok, name)
		assert.Same(t, p, got, name)
	}
	sql, ok := problem.From(errors.Join(none, &pgError{Code: "23505"}))
	require.True(t, ok, "an error of a database behind a nil one")
	assert.Equal(t, problem.KindDuplicate, sql.Kind)

	for name, err := range map[string]error{
		"nil": nil, "nil problem": none, "wrapped nil problem": fmt.Errorf("a: %w", none), "other": io.EOF,
		"nothing but nil problems": errors.Join(none, none), "a nil one and a circle": errors.Join(none, itself{}),
	} {
		got, ok := problem.From(err)
		assert.False(t, ok, name)
		assert.Nil(t, got, name)
	}
}

func TestWhatIsMissingIsCompleted(t *testing.T) {
	for name, c := range map[string]struct {
		renderer problem.Renderer
		p        *problem.Problem
		want     string
	}{
		"nil is internal": {
			p:    nil,
			want: `{"type":"` + problem.DefaultTypeBase + `internal","title":"The server failed","status":500,"detail":"The server met an error that it did not expect.",`,
		},
		"zero is internal": {
			p:    &problem.Problem{},
			want: `{"type":"` + problem.DefaultTypeBase + `internal","title":"The server failed","status":500,"detail":"The server met an error that it did not expect.",`,
		},
		"a status that is no error is the kind's": {
			p:    &problem.Problem{Kind: problem.KindKeyReused, Status: 200},
			want: `{"type":"` + problem.DefaultTypeBase + `key-reused","title":"This key belongs to another request","status":422,`,
		},
		"an unknown kind without status is 500": {
			p:    &problem.Problem{Kind: "seat-taken", Status: 42},
			want: `{"type":"about:blank","title":"Internal Server Error","status":500,`,
		},
		"an unknown kind is not put on our page": {
			p:    &problem.Problem{Kind: "seat-taken", Status: 409, Title: "Seat taken"},
			want: `{"type":"about:blank","title":"Seat taken","status":409,`,
		},
		"but it is put on the server's own": {
			renderer: problem.Renderer{TypeBase: "/problems#"},
			p:        &problem.Problem{Kind: "seat-taken", Status: 409, Title: "Seat taken"},
			want:     `{"type":"/problems#seat-taken","title":"Seat taken","status":409,`,
		},
		"a status alone is about:blank": {
			renderer: problem.Renderer{TypeBase: "/problems#"},
			p:        &problem.Problem{Status: 404},
			want:     `{"type":"about:blank","title":"Not Found","status":404,`,
		},
		"a status that nobody has named": {
			p:    &problem.Problem{Status: 499},
			want: `{"type":"about:blank","title":"Error","status":499,`,
		},
		"what is given stays": {
			p:    &problem.Problem{Kind: problem.KindLocked, Type: "https://example.com/p", Title: "Locked", Status: 423, Instance: "/log/1"},
			want: `{"type":"https://example.com/p","title":"Locked","status":423,"instance":"/log/1","retryable":true}` + "\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := render(c.renderer.JSON, c.p, "PUT")
			require.GreaterOrEqual(t, w.Body.Len(), len(c.want), w.Body.String())
			assert.Equal(t, c.want, w.Body.String()[:len(c.want)])
		})
	}
}

func TestInstancesDiffer(t *testing.T) {
	p := problem.Duplicate("d")
	first, second := render(problem.JSON, p, "PUT"), render(problem.JSON, p, "PUT")
	assert.NotEqual(t, first.Body.String(), second.Body.String())
}

var errSeatTaken = &problem.Problem{
	Kind:       problem.KindStateConflict,
	Detail:     "The seat is taken.",
	Header:     http.Header{"retry-after": {"7"}, "Vary": {"Origin"}},
	Extensions: map[string]any{"seat": 12},
}

func TestSharedProblemIsNeverWrittenTo(t *testing.T) {
	responders := []problem.Responder{problem.JSON, problem.Negotiate, problem.Stripe, problem.Renderer{TypeBase: "/p#", ShowConstraints: true}.JSON}
	before := fmt.Sprintf("%#v", *errSeatTaken)
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			accept := []string{"*/*", "text/html", "text/plain"}[i%3]
			w := render(responders[i%len(responders)], errSeatTaken, "PUT", "Accept", accept)
			for name := range w.Header() { // as a wrapper around the writer might
				for j := range w.Header()[name] {
					w.Header()[name][j] += "x"
				}
			}
		})
	}
	wg.Wait()
	assert.Equal(t, before, fmt.Sprintf("%#v", *errSeatTaken))
}
