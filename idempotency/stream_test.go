package idempotency_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

// events answers with server-sent events, each sent when told to.
func events(next <-chan string, done chan<- struct{}) func(http.ResponseWriter, *http.Request, int64) {
	return func(w http.ResponseWriter, _ *http.Request, _ int64) {
		defer close(done)
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Location", "/jobs/1")
		w.WriteHeader(http.StatusCreated)
		for text := range next {
			_, _ = io.WriteString(w, "data: "+text+"\n\n")
			_ = http.NewResponseController(w).Flush()
		}
	}
}

func TestStreamIsRecordedWhileItPasses(t *testing.T) {
	next, done := make(chan string), make(chan struct{})
	pay := &till{then: events(next, done)}
	s := serve(t, newLayer(t, idempotency.Config{}).Handler(pay))
	go func() { next <- "one" }()
	res, err := s.Client().Do(s.request(t, "k", "{}"))
	require.NoError(t, err)
	defer res.Body.Close()
	assert.Equal(t, http.StatusCreated, res.StatusCode)
	assert.Empty(t, res.Header["Idempotency-Replayed"])
	stream := bufio.NewReader(res.Body)
	line, err := stream.ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "data: one\n", line, "while the handler still runs")

	middle, text := s.post(t, "k", "{}")
	assert.Equal(t, http.StatusConflict, middle.StatusCode)
	assert.Contains(t, text, "request-in-flight")
	assert.Equal(t, "1", middle.Header.Get("Retry-After"))

	next <- "two"
	close(next)
	rest, err := io.ReadAll(stream)
	require.NoError(t, err)
	<-done
	again, whole := s.post(t, "k", "{}")
	assert.Equal(t, http.StatusCreated, again.StatusCode)
	assert.Equal(t, "data: one\n\ndata: two\n\n", whole)
	assert.Equal(t, line+string(rest), whole)
	assert.Equal(t, "text/event-stream", again.Header.Get("Content-Type"))
	assert.Equal(t, "/jobs/1", again.Header.Get("Location"))
	assert.Equal(t, "true", again.Header.Get("Idempotency-Replayed"))
	assert.EqualValues(t, 1, pay.runs.Load())
}

// TestStreamIsRecordedWhenItsClientGoes: the handler sees none of it.
func TestStreamIsRecordedWhenItsClientGoes(t *testing.T) {
	next, done := make(chan string), make(chan struct{})
	pay := &till{}
	stream := events(next, done)
	var gone error
	pay.then = func(w http.ResponseWriter, r *http.Request, n int64) {
		stream(w, r, n)
		_, err := io.WriteString(w, "end")
		assert.NoError(t, err)
		assert.NoError(t, http.NewResponseController(w).Flush())
		gone = r.Context().Err()
	}
	concluded := make(chan struct{})
	h := newLayer(t, idempotency.Config{}).Handler(pay)
	hungUp := make(chan struct{})
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-First") != "" {
			defer close(concluded)
			context.AfterFunc(r.Context(), func() { close(hungUp) })
		}
		h.ServeHTTP(w, r)
	}))
	ctx, cancel := context.WithCancel(t.Context())
	r := s.request(t, "k", "{}").WithContext(ctx)
	r.Header.Set("X-First", "1")
	go func() { next <- "one" }()
	res, err := s.Client().Do(r)
	require.NoError(t, err)
	cancel()
	res.Body.Close()
	<-hungUp
	large := strings.Repeat("x", 200<<10) // more than any buffer of the connection takes
	next <- large
	close(next)
	<-concluded
	require.NoError(t, gone, "the context of the handler goes on")
	again, whole := s.post(t, "k", "{}")
	assert.Equal(t, http.StatusCreated, again.StatusCode)
	assert.Equal(t, "data: one\n\ndata: "+large+"\n\nend", whole)
	assert.EqualValues(t, 1, pay.runs.Load())
}

// TestStreamThatGrowsTooLarge: it goes on, and a duplicate is told that it is
// gone.
func TestStreamThatGrowsTooLarge(t *testing.T) {
	next, done := make(chan string, 3), make(chan struct{})
	next <- "one"
	next <- strings.Repeat("x", 100)
	next <- "three"
	close(next)
	pay := &till{then: events(next, done)}
	s := serve(t, newLayer(t, idempotency.Config{MaxResponseBody: 100}).Handler(pay))
	first, whole := s.post(t, "k", "{}")
	assert.Equal(t, http.StatusCreated, first.StatusCode)
	assert.True(t, strings.HasSuffix(whole, "data: three\n\n"))
	again, text := s.post(t, "k", "{}")
	assert.Equal(t, http.StatusConflict, again.StatusCode)
	assert.Contains(t, text, "response-not-retained")
	assert.Contains(t, text, `"original_status":201`)
	assert.Equal(t, "/jobs/1", again.Header.Get("Location"))
	assert.EqualValues(t, 1, pay.runs.Load())
}

// TestStreamThatBreaksOff: what was sent already is no outcome.
func TestStreamThatBreaksOff(t *testing.T) {
	pay := &till{then: func(w http.ResponseWriter, _ *http.Request, _ int64) {
		_, _ = io.WriteString(w, "half of")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}}
	s := serve(t, newLayer(t, idempotency.Config{}).Handler(pay))
	res, err := s.Client().Do(s.request(t, "k", "{}"))
	require.NoError(t, err)
	_, err = io.ReadAll(res.Body)
	require.Error(t, err, "the client sees that it is not whole")
	res.Body.Close()
	again, text := s.post(t, "k", "{}")
	assert.Equal(t, http.StatusConflict, again.StatusCode)
	assert.Contains(t, text, "outcome-unknown")
	assert.EqualValues(t, 1, pay.runs.Load())
}

// TestTrailersAreSent: once. Of the field lines behind a body a replay has none.
func TestTrailersAreSent(t *testing.T) {
	s := serve(t, newLayer(t, idempotency.Config{}).Handler(&till{then: func(w http.ResponseWriter, _ *http.Request, _ int64) {
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.WriteString(w, "body")
		w.Header().Set("X-Sum", "42")
		w.Header().Set(http.TrailerPrefix+"X-More", "43")
	}}))
	first, text := s.post(t, "k", "{}")
	assert.Equal(t, "body", text)
	assert.Equal(t, http.Header{"X-Sum": {"42"}, "X-More": {"43"}}, first.Trailer)
	again, text := s.post(t, "k", "{}")
	assert.Equal(t, "body", text)
	assert.Empty(t, again.Trailer)
	for name := range again.Header {
		assert.NotContains(t, []string{"Trailer", "X-Sum", "X-More"}, name)
	}
	assert.Equal(t, "true", again.Header.Get("Idempotency-Replayed"))
}

// TestHijackedConnectionIsUnknown: nobody sees what goes over it.
func TestHijackedConnectionIsUnknown(t *testing.T) {
	heard := &observer{}
	concluded := make(chan struct{}, 2)
	pay := &till{then: func(w http.ResponseWriter, _ *http.Request, _ int64) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if !assert.NoError(t, err) {
			return
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ndone")
		_ = rw.Flush()
	}}
	h := newLayer(t, idempotency.Config{Observer: heard, Keep: func(int, http.Header) idempotency.Disposition {
		assert.Fail(t, "Keep was asked about what nobody has seen")
		return idempotency.Keep
	}}).Handler(pay)
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r)
		concluded <- struct{}{}
	}))
	first, text := s.post(t, "k", "{}")
	assert.Equal(t, http.StatusOK, first.StatusCode)
	assert.Equal(t, "done", text)
	<-concluded
	assert.Equal(t, middleware.EventUnknown, heard.last(t).Kind)
	again, text := s.post(t, "k", "{}")
	assert.Equal(t, http.StatusConflict, again.StatusCode)
	assert.Contains(t, text, "outcome-unknown")
	assert.Contains(t, text, `"started":"`)
	assert.EqualValues(t, 1, pay.runs.Load())
}

// TestInformationalAnswersGoOutOnce: they are for whoever waits, and are not
// recorded.
func TestInformationalAnswersGoOutOnce(t *testing.T) {
	s := serve(t, newLayer(t, idempotency.Config{}).Handler(&till{then: func(w http.ResponseWriter, _ *http.Request, _ int64) {
		w.Header().Set("X-Progress", "50")
		w.WriteHeader(http.StatusProcessing)
		w.Header().Del("X-Progress")
		w.WriteHeader(http.StatusCreated)
	}}))
	for _, want := range [][]int{{102}, nil} {
		var got []int
		r := s.request(t, "k", "{}")
		r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(status int, _ textproto.MIMEHeader) error {
				got = append(got, status)
				return nil
			},
		}))
		res, err := s.Client().Do(r)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		assert.Equal(t, http.StatusCreated, res.StatusCode)
		assert.Empty(t, res.Header["X-Progress"])
		assert.Equal(t, want, got)
	}
}

// TestNothingIsSentBeforeTheOutcomeIsRecorded: a client that has its answer can
// repeat the request at once, at any server.
func TestNothingIsSentBeforeTheOutcomeIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSpy()
		w := &watched{}
		s.before = func(call string) {
			if call == "replace" {
				assert.False(t, w.written, "the answer was sent before its outcome was written")
			}
		}
		h := newLayer(t, idempotency.Config{Store: s}).Handler(&till{})
		h.ServeHTTP(w, post("k", "{}"))
		assert.True(t, w.written)
		assert.Contains(t, s.calls(), "replace")
	})
}

// watched is a response writer that knows whether anything was written to it.
type watched struct {
	fields  http.Header
	written bool
}

func (w *watched) Header() http.Header {
	if w.fields == nil {
		w.fields = http.Header{}
	}
	return w.fields
}
func (w *watched) WriteHeader(int) { w.written = true }
func (w *watched) Write(p []byte) (int, error) {
	w.written = true
	return len(p), nil
}

// TestLostBodyIsNotRerun: a store that had to make room for others has kept the
// head of the record.
func TestLostBodyIsNotRerun(t *testing.T) {
	pay, s, heard := &till{}, newSpy(), &observer{}
	h := newLayer(t, idempotency.Config{Store: s, Observer: heard}).Handler(pay)
	send(h, post("k", "{}"))
	s.dropBodies = true
	again := send(h, post("k", "{}"))
	wantKind(t, http.StatusConflict, problem.KindResponseNotRetained, again)
	assert.Equal(t, "/payments/1", again.Header().Get("Location"))
	assert.EqualValues(t, http.StatusCreated, member(t, again, "original_status"))
	assert.EqualValues(t, 1, pay.runs.Load())
	wantKind(t, http.StatusUnprocessableEntity, problem.KindKeyReused, send(h, post("k", "{ }")))
}
