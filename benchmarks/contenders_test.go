package main

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEverythingIsMeasured is the program, for a moment: each contender answers
// as it should, by itself and over a connection, or this fails.
func TestEverythingIsMeasured(t *testing.T) {
	var out strings.Builder
	require.NoError(t, compare(t.Context(), &out, time.Millisecond, time.Millisecond, 2))
	_, whole, found := strings.Cut(out.String(), "\n\n")
	require.True(t, found, "it comes after the summary")
	lines := strings.Split(whole, "\n")
	require.Greater(t, len(lines), 3)
	for _, l := range lines[2:] {
		if l == "" {
			break // the claims come after it
		}
		cells := cellsOf(l)
		require.Len(t, cells, len(columns), l)
		for i, cell := range cells {
			if bare := strings.HasSuffix(cells[1], ", bare"); !bare || !comparison[columns[i]] {
				assert.NotEmpty(t, cell, "%s of %s", columns[i], l)
			}
		}
	}
}

// comparison is what bare handlers have no use for.
var comparison = map[string]bool{"over bare": true, "× bare": true, "of bare": true}

func TestTheHandlerRunsAsOftenAsIsSaid(t *testing.T) {
	for _, s := range scenarios() {
		for _, c := range s.contenders {
			t.Run(s.name+"/"+c.name, func(t *testing.T) {
				w := s.work
				w.runs = new(atomic.Int64)
				service, err := c.serves(w)
				require.NoError(t, err)
				e := &entry{scenario: s, contender: c, service: service, ask: s.ask}
				if c.bare != "" {
					e.bare = e // has one: which does not matter here
				}
				require.NoError(t, e.ready())
				w.runs.Store(0)
				got := service.answers(t.Context(), e.ask)
				require.NoError(t, e.expects().check(got))
				want := int64(c.runs)
				if s.readers > 0 {
					want = 1 // there was no crowd
				}
				assert.Equal(t, want, w.runs.Load())
			})
		}
	}
}

// TestWrongAnswersAreNotMeasured: what an error takes is not what the answer would.
func TestWrongAnswersAreNotMeasured(t *testing.T) {
	var broken atomic.Bool
	breaks := func(w work) (service, error) {
		return service{std: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if broken.Load() {
				rw.WriteHeader(http.StatusInternalServerError)
				return
			}
			w.bareNet().ServeHTTP(rw, r)
		})}, nil
	}
	of := func() []*scenario {
		s := tagged("breaks", kilobyte)
		s.contenders = []contender{{name: onNet, serves: breaks, runs: 1}}
		return []*scenario{s}
	}
	all, err := enter(of())
	require.NoError(t, err)
	broken.Store(true)
	_, err = enter(of())
	require.ErrorContains(t, err, "answered 500 in place of 200", "before it is measured")
	require.ErrorContains(t, measureHandlers(all, time.Millisecond), "answered 500 in place of 200")
	require.ErrorContains(t, measureSockets(t.Context(), all, time.Millisecond, 1), "answered with 0 bytes in place of 1024")
}

func TestWhatAnAnswerMustBe(t *testing.T) {
	w := want{status: http.StatusOK, size: 2, tagged: true}
	right := func() answer {
		return answer{status: http.StatusOK, header: http.Header{"Etag": {`"a"`}}, body: []byte("ok")}
	}
	require.NoError(t, w.check(right()))
	for name, spoil := range map[string]func(*answer){
		"another status": func(a *answer) { a.status = http.StatusAccepted },
		"another size":   func(a *answer) { a.body = nil },
		"no tag":         func(a *answer) { a.header = nil },
	} {
		a := right()
		spoil(&a)
		require.Error(t, w.check(a), name)
	}
}

// TestBothTransportsAreSentTheSame: or ratios between them say nothing.
func TestBothTransportsAreSentTheSame(t *testing.T) {
	for _, s := range scenarios() {
		r, c := s.ask.request(t.Context()), fastContext(s.ask)
		assert.GreaterOrEqual(t, len(r.Header), len(usual), s.name)
		assert.Equal(t, r.Method, string(c.Method()), s.name)
		assert.Equal(t, r.URL.Path, string(c.Path()), s.name)
		assert.Equal(t, r.Host, string(c.Host()), s.name)
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		assert.Equal(t, string(body), string(c.PostBody()), s.name)
		for name := range r.Header {
			assert.Equal(t, r.Header.Get(name), string(c.Request.Header.Peek(name)), "%s: %s", s.name, name)
		}
	}
}

func TestKeysAreGivenOutOnceUntilTheyAreForgotten(t *testing.T) {
	forgot := 0
	e := &entry{ask: ask{newKeys: true}, service: service{forget: func() { forgot++ }}}
	k := e.keys()
	seen := make(map[string]bool)
	for range keysBefore - 1 {
		seen[k.next()[0]] = true
	}
	k.refresh()
	assert.Zero(t, forgot, "not yet")
	seen[k.next()[0]] = true
	assert.Len(t, seen, keysBefore)
	k.refresh()
	assert.Equal(t, 1, forgot)
	assert.Equal(t, key(0), k.next()[0])
	for k := range seen {
		assert.Len(t, k, 36, "fiber takes no others")
	}
}

// TestConnectionsNumberTheirKeys: each request over a socket is a first one.
func TestConnectionsNumberTheirKeys(t *testing.T) {
	s := keyed("first", true)
	var runs atomic.Int64
	s.work.runs = &runs
	service, err := once(s.work)
	require.NoError(t, err)
	e := &entry{scenario: s, service: service, ask: s.ask}
	opened, err := e.open(t.Context(), 2)
	require.NoError(t, err)
	defer opened.end()
	for range 12 {
		for _, c := range opened.clients {
			require.NoError(t, must(c, http.StatusCreated))
		}
	}
	assert.EqualValues(t, 24, runs.Load())
}
