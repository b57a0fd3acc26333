package middleware_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

// greedy is a body without an end that counts what is read of it.
type greedy struct{ read int64 }

func (g *greedy) Read(p []byte) (int, error) {
	g.read += int64(len(p))
	return len(p), nil
}

// TestReadBodyReadsOneByteTooMany at most, however large its buffer is.
func TestReadBodyReadsOneByteTooMany(t *testing.T) {
	for _, limit := range []int64{0, 1, 10, 4 << 10, 10_000} {
		src := &greedy{}
		r := request(src)
		r.ContentLength = -1
		_, err := middleware.ReadBody(r, limit)
		require.Error(t, err)
		assert.Equal(t, limit+1, src.read)
	}
}

// TestTheLargerLimitCounts of stages that share a Recorder, whichever came first.
func TestTheLargerLimitCounts(t *testing.T) {
	for _, limits := range [][]int64{{2, 10}, {10, 2}} {
		rec, _ := middleware.Record(httptest.NewRecorder())
		for _, limit := range limits {
			rec.Enter(decide(middleware.Buffer), limit)
		}
		io.WriteString(rec, "0123456789")
		assert.True(t, rec.Buffered(), limits)
		io.WriteString(rec, "0")
		assert.False(t, rec.Buffered(), limits)
	}
}

// TestSwitchingProtocolsIsNeverHeldBack: the handler speaks another protocol next.
func TestSwitchingProtocolsIsNeverHeldBack(t *testing.T) {
	for _, d := range []middleware.Decision{middleware.Buffer, middleware.Drop, middleware.NotModified} {
		w := httptest.NewRecorder()
		rec, _ := middleware.Record(w)
		rec.Enter(decide(d), limit)
		rec.WriteHeader(http.StatusSwitchingProtocols)
		assert.Equal(t, 101, w.Code)
		assert.Equal(t, 101, rec.Status())
		assert.False(t, rec.Buffered())
		rec.WriteHeader(200)
		assert.Equal(t, 101, rec.Status(), "it is final")
	}
}

// TestInformationalAnswersComeBeforeTheFinalOne or not at all.
func TestInformationalAnswersComeBeforeTheFinalOne(t *testing.T) {
	var sent []int
	w := statuses{httptest.NewRecorder(), &sent}
	through(middleware.Buffer, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(103)
		w.WriteHeader(201)
		w.WriteHeader(103)
		io.WriteString(w, "x")
		w.WriteHeader(102)
	}).ServeHTTP(w, httptest.NewRequest("GET", "/", http.NoBody))
	assert.Equal(t, []int{103, 201}, sent)
}

type statuses struct {
	http.ResponseWriter
	sent *[]int
}

func (s statuses) WriteHeader(status int) { *s.sent = append(*s.sent, status) }

// TestWhatIsSwallowedReachesNobody, also when it is copied from a reader.
func TestWhatIsSwallowedReachesNobody(t *testing.T) {
	for _, d := range []middleware.Decision{middleware.NotModified, middleware.Drop} {
		w := httptest.NewRecorder()
		rec, _ := middleware.Record(w)
		rec.Enter(decide(d), limit)
		n, err := rec.ReadFrom(strings.NewReader("first"))
		assert.Equal(t, "5 <nil>", fmt.Sprint(n, err))
		n, err = rec.ReadFrom(strings.NewReader(strings.Repeat("x", 100<<10)))
		assert.Equal(t, fmt.Sprint(100<<10, " <nil>"), fmt.Sprint(n, " ", err))
		rec.Leave()
		assert.Empty(t, w.Body.String())
	}
	w := httptest.NewRecorder()
	rec, _ := middleware.Record(w)
	rec.Enter(decide(middleware.NotModified), limit)
	rec.HeadOnly()
	rec.ReadFrom(strings.NewReader("first"))
	rec.ReadFrom(strings.NewReader("second"))
	rec.Leave()
	rec.Finish()
	assert.Empty(t, w.Body.String())
}

// TestLateTrailersAreSent if their answer is, and not with another.
func TestLateTrailersAreSent(t *testing.T) {
	for _, replaced := range []bool{false, true} {
		w := httptest.NewRecorder()
		rec, _ := middleware.Record(w)
		rec.Enter(decide(middleware.Buffer), limit)
		io.WriteString(rec, "x")
		rec.Header().Set(http.TrailerPrefix+"X-Sum", "1")
		rec.Header().Set("X-Late", "1")
		rec.Leave()
		if replaced {
			rec.Replace(func(w http.ResponseWriter) { w.WriteHeader(412) })
		}
		rec.Finish()
		assert.Equal(t, !replaced, w.Result().Trailer.Get("X-Sum") == "1")
		assert.Empty(t, w.Header().Get("X-Late"))
	}
}

// TestAReplacementIsTheLayersAlone: goroutines left behind change neither its
// status, nor its fields, nor its body.
func TestAReplacementIsTheLayersAlone(t *testing.T) {
	for _, d := range []middleware.Decision{middleware.Drop, middleware.Buffer} {
		w := httptest.NewRecorder()
		rec, _ := middleware.Record(w)
		rec.Enter(decide(d), limit)
		io.WriteString(rec, "secret")
		intrude := func() {
			rec.WriteHeader(200)
			_, err := io.WriteString(rec, "secret")
			assert.ErrorIs(t, err, http.ErrHandlerTimeout)
			assert.Error(t, rec.FlushError())
			rec.Header().Set("X-Secret", "1")
		}
		rec.Leave()
		rec.Replace(func(w http.ResponseWriter) {
			intrude()
			assert.Same(t, middleware.Find(rec), middleware.Find(w))
			w.Header().Set("X-Own", "1")
			io.WriteString(w, "stale")
			intrude()
		})
		intrude()
		rec.Finish()
		intrude()
		assert.Equal(t, "200 stale", fmt.Sprint(w.Code, " ", w.Body))
		assert.Equal(t, http.Header{"X-Own": {"1"}}, w.Header())
	}
}

// TestConnectionNamesFieldsUpToALimit: nobody sends more but to keep a server busy.
func TestConnectionNamesFieldsUpToALimit(t *testing.T) {
	for name, c := range map[string]struct {
		connection []string
		deleted    bool
	}{
		"one line":        {[]string{"close, x-hop"}, true},
		"two lines":       {[]string{"close", " X-HOP "}, true},
		"a KiB":           {[]string{"X-Hop," + strings.Repeat("a", 1<<10-7)}, true},
		"more than a KiB": {[]string{"X-Hop," + strings.Repeat("a", 1<<10-6)}, false},
		"many lines":      {append([]string{"X-Hop"}, strings.Split(strings.Repeat("\n", 1<<10), "\n")...), false},
	} {
		h := http.Header{"Connection": c.connection, "X-Hop": {"1"}, "X-End": {"1"}, "Te": {"trailers"}}
		middleware.DeleteHopByHop(h)
		assert.Equal(t, c.deleted, h["X-Hop"] == nil, name)
		assert.NotNil(t, h["X-End"], name)
		assert.Nil(t, h["Connection"], name)
		assert.Nil(t, h["Te"], name)
	}
}

// TestOnceItsLastLayerIsThroughNothingIsAdded to an answer that is held back,
// nor to one that an inner layer has replaced.
func TestOnceItsLastLayerIsThroughNothingIsAdded(t *testing.T) {
	for _, replaced := range []bool{false, true} {
		w := httptest.NewRecorder()
		rec, _ := middleware.Record(w)
		rec.Enter(decide(middleware.Buffer), limit)
		rec.Enter(decide(middleware.Buffer), limit)
		io.WriteString(rec, "whole")
		rec.Leave()
		if replaced {
			rec.Replace(func(w http.ResponseWriter) { io.WriteString(w, "another") })
		} else {
			rec.Leave()
		}
		_, err := io.WriteString(rec, " and more")
		assert.ErrorIs(t, err, http.ErrHandlerTimeout)
		rec.Header().Set("X-More", "1")
		if replaced {
			rec.Leave()
		}
		rec.Finish()
		assert.Equal(t, map[bool]string{false: "whole", true: "another"}[replaced], w.Body.String())
		assert.Empty(t, w.Header().Get("X-More"))
	}
}

// TestATagThatComesTooLateIsNotSet: the fields have been sent, and whoever has
// them may be reading.
func TestATagThatComesTooLateIsNotSet(t *testing.T) {
	w := httptest.NewRecorder()
	rec, _ := middleware.Record(w)
	rec.Enter(decide(middleware.Pass), limit)
	io.WriteString(rec, "x")
	rec.SetETag(`"late"`)
	rec.Leave()
	rec.SetETag(`"late"`)
	rec.Finish()
	assert.Empty(t, w.Header()["Etag"])
}

// TestACopyThatWasLeftBehindReachesNobody: once the answer was closed, io.Copy
// went past the Recorder, and sent its bytes as a 200 before the answer.
func TestACopyThatWasLeftBehindReachesNobody(t *testing.T) {
	for _, d := range []middleware.Decision{middleware.Pass, middleware.Buffer, middleware.Drop} {
		w := httptest.NewRecorder()
		rec, _ := middleware.Record(w)
		rec.Enter(decide(d), limit)
		rec.WriteHeader(201)
		rec.Leave()
		n, err := io.Copy(rec, onlyReader{strings.NewReader("late")})
		assert.ErrorIs(t, err, http.ErrHandlerTimeout)
		assert.Zero(t, n)
		rec.Finish()
		assert.Empty(t, w.Body.String())
	}
}

// TestAClosedAnswerIsWhatItIs for a layer that has to know it before the last
// one leaves.
func TestAClosedAnswerIsWhatItIs(t *testing.T) {
	for name, firm := range map[string]bool{"held back": false, "held firmly": true} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			rec, _ := middleware.Record(w)
			if firm {
				rec.HoldFirmly()
			}
			rec.Retain(limit)
			rec.Enter(decide(middleware.Buffer), limit)
			rec.Close()
			assert.Equal(t, 200, rec.Status(), "settled, although the handler said nothing")
			_, err := rec.Write(make([]byte, 2*limit))
			assert.ErrorIs(t, err, http.ErrHandlerTimeout)
			assert.ErrorIs(t, rec.FlushError(), http.ErrHandlerTimeout)
			rec.WriteHeader(500)
			assert.False(t, rec.Overrun())
			body, whole := rec.Retained()
			assert.Empty(t, body)
			assert.True(t, whole)
			rec.Leave()
			rec.Finish()
			assert.Equal(t, 200, w.Code)
			assert.Empty(t, w.Body.String())
		})
	}
}

// TestAResponderThatSaysNothing made a status of 0, at which net/http panics.
func TestAResponderThatSaysNothing(t *testing.T) {
	w := httptest.NewRecorder()
	rec, _ := middleware.Record(w)
	rec.Enter(decide(middleware.Buffer), limit)
	io.WriteString(rec, "secret")
	rec.Leave()
	rec.Replace(func(http.ResponseWriter) {})
	assert.Equal(t, 500, rec.Status())
	rec.Finish()
	assert.Equal(t, "500 ", fmt.Sprint(w.Code, " ", w.Body))
}

// TestARefusalIsTheAnswersOwn: it was remembered of the request, so that a part
// that was refused made all of it a refusal.
func TestARefusalIsTheAnswersOwn(t *testing.T) {
	refuse := func(w http.ResponseWriter) {
		middleware.Refuse(w, httptest.NewRequest("PUT", "/", http.NoBody), nil, problem.VersionMismatch(""))
	}
	for name, c := range map[string]struct {
		handler func(http.ResponseWriter)
		refused bool
	}{
		"refused":                  {refuse, true},
		"refused behind a wrapper": {func(w http.ResponseWriter) { refuse(&circular{w}) }, true},
		"refused behind a Recorder": {func(w http.ResponseWriter) {
			through(middleware.Buffer, func(w http.ResponseWriter, _ *http.Request) { refuse(w) }).ServeHTTP(&circular{w}, nil)
		}, true},
		"a part was refused": {func(w http.ResponseWriter) {
			refuse(&part{httptest.NewRecorder(), w})
			w.WriteHeader(207)
		}, false},
		"a part was refused, and nothing said": {func(w http.ResponseWriter) { refuse(&part{httptest.NewRecorder(), w}) }, false},
		"refused too late":                     {func(w http.ResponseWriter) { w.WriteHeader(200); refuse(w) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			rec, _ := middleware.Record(httptest.NewRecorder())
			rec.Enter(decide(middleware.Buffer), limit)
			c.handler(rec)
			rec.Leave()
			assert.Equal(t, c.refused, rec.Refused())
			rec.Replace(func(w http.ResponseWriter) { io.WriteString(w, "the layer's own") })
			assert.False(t, rec.Refused(), "what is sent instead is none")
			rec.Replace(refuse)
			assert.True(t, rec.Refused(), "or is one")
		})
	}
}

// part is the writer of one part of the whole: it keeps that part's answer.
type part struct {
	*httptest.ResponseRecorder
	whole http.ResponseWriter
}

func (p *part) Unwrap() http.ResponseWriter { return p.whole }
