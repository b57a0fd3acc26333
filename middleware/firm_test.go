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
)

// firmly runs h as a layer does that commits what h has done before it sends
// the answer; commit is called in between.
func firmly(d middleware.Decision, h http.HandlerFunc, commit func(*middleware.Recorder)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec, owned := middleware.Record(w)
		rec.HoldFirmly()
		rec.Enter(decide(d), limit)
		h(rec, r)
		rec.Leave()
		commit(rec)
		if owned {
			rec.Finish()
		}
	})
}

// calls counts what reaches a client.
type calls struct {
	http.ResponseWriter
	n int
}

func (c *calls) WriteHeader(status int) {
	c.n++
	c.ResponseWriter.WriteHeader(status)
}

func (c *calls) Write(p []byte) (int, error) {
	c.n++
	return c.ResponseWriter.Write(p)
}

func (c *calls) Flush() { c.n++ }

func TestNothingOfAFirmAnswerLeavesBeforeItMay(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"nothing written": func(http.ResponseWriter, *http.Request) {},
		"a body":          func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201); fmt.Fprint(w, "body") },
		"as large as may be held": func(w http.ResponseWriter, _ *http.Request) {
			n, err := w.Write(make([]byte, limit))
			assert.Equal(t, "1024 <nil>", fmt.Sprint(n, " ", err))
		},
		"flushed first":   func(w http.ResponseWriter, _ *http.Request) { flush(w); w.WriteHeader(500); fmt.Fprint(w, "x") },
		"flushed between": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "a"); flush(w); fmt.Fprint(w, "b") },
		"flushed through the controller": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(201)
			assert.NoError(t, http.NewResponseController(w).Flush())
		},
		"copied": func(w http.ResponseWriter, _ *http.Request) {
			io.Copy(w, onlyReader{strings.NewReader("copied")})
			io.WriteString(w, "text")
		},
		"other protocols": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusSwitchingProtocols) },
		"declared trailers": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "X-Sum")
			fmt.Fprint(w, "body")
			w.Header().Set("X-Sum", "42")
		},
	} {
		for _, d := range []middleware.Decision{middleware.Buffer, middleware.Pass, middleware.NotModified} {
			t.Run(fmt.Sprintf("%s, decision %d", name, d), func(t *testing.T) {
				bare := httptest.NewRecorder()
				h(bare, nil)
				w := &calls{ResponseWriter: httptest.NewRecorder()}
				before := -1
				firmly(d, h, func(rec *middleware.Recorder) {
					before = w.n
					assert.True(t, rec.Buffered())
					assert.False(t, rec.Overrun())
				}).ServeHTTP(w, httptest.NewRequest("GET", "/", http.NoBody))
				assert.Zero(t, before)
				sent := w.ResponseWriter.(*httptest.ResponseRecorder)
				switch {
				case bare.Code == http.StatusSwitchingProtocols || d != middleware.NotModified:
					assert.Equal(t, bare.Code, sent.Code)
					assert.Equal(t, bare.Body.String(), sent.Body.String())
				default:
					assert.Equal(t, 304, sent.Code)
					assert.Empty(t, sent.Body.String())
				}
			})
		}
	}
}

func TestAFirmAnswerThatIsTooLargeIsTheLayersToReplace(t *testing.T) {
	for name, write := range map[string]func(io.Writer, int) (int, error){
		"Write":       func(w io.Writer, n int) (int, error) { return w.Write(make([]byte, n)) },
		"WriteString": func(w io.Writer, n int) (int, error) { return io.WriteString(w, strings.Repeat("x", n)) },
		"ReadFrom": func(w io.Writer, n int) (int, error) {
			copied, err := io.Copy(w, onlyReader{strings.NewReader(strings.Repeat("x", n))})
			return int(copied), err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := &calls{ResponseWriter: httptest.NewRecorder()}
			firmly(middleware.Buffer, func(w http.ResponseWriter, _ *http.Request) {
				n, err := write(w, limit)
				assert.Equal(t, "1024 <nil>", fmt.Sprint(n, " ", err))
				for range 3 {
					n, err = write(w, 1)
					assert.Zero(t, n)
					assert.ErrorIs(t, err, middleware.ErrTooLarge)
				}
				flush(w)
			}, func(rec *middleware.Recorder) {
				assert.Zero(t, w.n, "nothing was sent")
				assert.True(t, rec.Overrun())
				assert.Empty(t, rec.Bytes())
				_, whole := rec.Retained()
				assert.False(t, whole)
				rec.Retain(limit)
				rec.Replace(func(w http.ResponseWriter) { w.WriteHeader(500); io.WriteString(w, "too large") })
				body, whole := rec.Retained()
				assert.True(t, whole, "of the answer that is sent instead")
				assert.Equal(t, "too large", string(body))
			}).ServeHTTP(w, httptest.NewRequest("GET", "/", http.NoBody))
			sent := w.ResponseWriter.(*httptest.ResponseRecorder)
			assert.Equal(t, "500 too large", fmt.Sprint(sent.Code, " ", sent.Body))
		})
	}
}

func TestAFirmAnswerIsNotHijacked(t *testing.T) {
	server := httptest.NewServer(firmly(middleware.Buffer, func(w http.ResponseWriter, _ *http.Request) {
		_, _, err := http.NewResponseController(w).Hijack()
		assert.ErrorIs(t, err, http.ErrNotSupported)
		io.WriteString(w, "answered")
	}, func(rec *middleware.Recorder) { assert.False(t, rec.Hijacked()) }))
	defer server.Close()
	res, err := http.Get(server.URL)
	require.NoError(t, err)
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	assert.Equal(t, "answered", string(body))
}

// TestTrailersOfAFirmAnswerAreSentAfterAll, declared or not, as without it.
func TestTrailersOfAFirmAnswerAreSentAfterAll(t *testing.T) {
	trailers := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Trailer", "X-Sum, x-count")
		w.Header().Add("Trailer", "X-Unset")
		w.WriteHeader(201)
		io.WriteString(w, "body")
		w.Header().Set("X-Sum", "42")
		w.Header()["X-Count"] = []string{"1", "2"}
		w.Header().Set("X-Late", "is no trailer")
		w.Header().Set(http.TrailerPrefix+"X-More", "43")
	}
	for _, http2 := range []bool{false, true} {
		bare := wire(t, http2, "GET", http.HandlerFunc(trailers))
		require.Contains(t, bare, "X-Sum:[42]")
		require.NotContains(t, bare, "X-Late")
		for _, d := range []middleware.Decision{middleware.Buffer, middleware.Pass} {
			assert.Equal(t, bare, wire(t, http2, "GET", firmly(d, trailers, func(*middleware.Recorder) {})))
		}
	}
}

// TestTrailersDoNotLetAFirmAnswerPass, nor do fields that come too late join
// them.
func TestTrailersDoNotLetAFirmAnswerPass(t *testing.T) {
	w := httptest.NewRecorder()
	rec, _ := middleware.Record(w)
	rec.HoldFirmly()
	rec.Enter(decide(middleware.Buffer), limit)
	rec.Header().Set("Trailer", "X-Sum")
	io.WriteString(rec, "body")
	rec.Header().Set("X-Late", "1")
	rec.Header().Set("X-Sum", "42")
	assert.Equal(t, middleware.Buffer, rec.Leave())
	rec.Finish()
	assert.Equal(t, "42", w.Result().Trailer.Get("X-Sum"))
	assert.Empty(t, w.Header().Get("X-Late"))
}

// TestInformationalAnswersAreNoPartOfAFirmOne: they say nothing of how it ends.
func TestInformationalAnswersAreNoPartOfAFirmOne(t *testing.T) {
	var sent []int
	w := statuses{httptest.NewRecorder(), &sent}
	firmly(middleware.Buffer, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(103)
		w.WriteHeader(201)
	}, func(*middleware.Recorder) { assert.Equal(t, []int{103}, sent) }).ServeHTTP(w, httptest.NewRequest("GET", "/", http.NoBody))
	assert.Equal(t, []int{103, 201}, sent)
}
