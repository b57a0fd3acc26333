package idempotency_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

// What no other implementation composes: a claim around preconditions.

// document is a server that knows nothing of keys or versions: one text.
type document struct {
	mu     sync.Mutex
	text   string
	writes int
	delay  time.Duration // of a write
	broken int           // status of a GET, if not 0
}

func (d *document) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.broken != 0 {
			w.WriteHeader(d.broken)
			return
		}
		_, _ = io.WriteString(w, d.text)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	time.Sleep(d.delay)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.text, d.writes = string(body), d.writes+1
	_, _ = io.WriteString(w, "saved: "+d.text)
}

func (d *document) written() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.writes
}

func (d *document) tag() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return etag.Of([]byte(d.text)).String()
}

// protect is the one right order: the claim outside of the preconditions.
func protect(t *testing.T, d http.Handler, c idempotency.Config, e etag.Config) http.Handler {
	t.Helper()
	conditions, err := etag.New(e)
	require.NoError(t, err)
	return newLayer(t, c).Handler(conditions.Handler(d))
}

func put(key, body string, fields ...string) *http.Request {
	return request(http.MethodPut, "/document", key, body, fields...)
}

func TestCorrectedRetryAfter412(t *testing.T) {
	d := &document{text: "one"}
	h := protect(t, d, idempotency.Config{}, etag.Config{})
	stale := send(h, put("k", "two", "If-Match", `"stale"`))
	wantKind(t, http.StatusPreconditionFailed, problem.KindVersionMismatch, stale)
	assert.Zero(t, d.written())
	corrected := send(h, put("k", "one and two", "If-Match", stale.Header().Get("ETag")))
	require.Equal(t, http.StatusOK, corrected.Code, corrected.Body)
	assert.Empty(t, corrected.Header().Get("Idempotency-Replayed"))
	assert.Equal(t, 1, d.written())
}

func TestRetryOfConditionalPut(t *testing.T) {
	for name, e := range map[string]etag.Config{
		"alone":                 {},
		"with a tag of its own": {TagAfterWrite: true},
		"with a version": {Current: func(*http.Request) (etag.State, error) {
			return etag.State{Exists: true, Tag: etag.FromVersion(7)}, nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			d := &document{text: "one"}
			h := protect(t, d, idempotency.Config{}, e)
			tag := d.tag()
			if e.Current != nil {
				tag = etag.FromVersion(7).String()
			}
			first := send(h, put("k", "two", "If-Match", tag))
			require.Equal(t, http.StatusOK, first.Code, first.Body)
			again := send(h, put("k", "two", "If-Match", tag))
			wantReplay(t, first, again)
			assert.Equal(t, 1, d.written())
			if e.TagAfterWrite {
				assert.Equal(t, d.tag(), again.Header().Get("ETag"), "what the layer inside has added is recorded too")
			}
			if e.Current == nil {
				wantKind(t, http.StatusPreconditionFailed, problem.KindVersionMismatch, send(h, put("k2", "two", "If-Match", tag)))
			}
		})
	}
	t.Run("a delete", func(t *testing.T) {
		pay := &till{}
		gone := false
		h := protect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.Method == http.MethodDelete:
				gone = true
				pay.runs.Add(1)
				w.WriteHeader(http.StatusNoContent)
			case gone:
				w.WriteHeader(http.StatusNotFound)
			default:
				_, _ = io.WriteString(w, "text")
			}
		}), idempotency.Config{}, etag.Config{})
		try := func() *httptest.ResponseRecorder {
			return send(h, request(http.MethodDelete, "/document", "k", "", "If-Match", etag.Of([]byte("text")).String()))
		}
		first := try()
		require.Equal(t, http.StatusNoContent, first.Code)
		wantReplay(t, first, try())
		assert.EqualValues(t, 1, pay.runs.Load())
	})
}

// TestRefusalsAreNotKept: whatever a layer inside refuses before the handler
// runs leaves the key as it was, whatever its status and whatever Keep says.
func TestRefusalsAreNotKept(t *testing.T) {
	keepAll := func(int, http.Header) idempotency.Disposition { return idempotency.Keep }
	for name, test := range map[string]struct {
		e       etag.Config
		broken  int // status of the GET
		refused []string
		status  int
		kind    problem.Kind
		right   []string // of the corrected request
	}{
		"a stale tag": {
			refused: []string{"If-Match", `"stale"`}, status: 412, kind: problem.KindVersionMismatch,
		},
		"a stale tag, as a 409": {
			e:       etag.Config{StaleStatus: http.StatusConflict},
			refused: []string{"If-Match", `"stale"`}, status: 409, kind: problem.KindVersionMismatch,
		},
		"no tag": {
			e:       etag.Config{Require: func(*http.Request) bool { return true }},
			refused: nil, status: 428, kind: problem.KindPreconditionRequired, right: []string{"If-Match", "*"},
		},
		"a malformed tag": {
			refused: []string{"If-Match", `stale`}, status: 400, kind: problem.KindPreconditionMalformed,
		},
		"a resource without a GET": {
			broken: http.StatusMethodNotAllowed, refused: []string{"If-Match", "*"}, status: 500, kind: problem.KindValidatorMissing,
		},
		"a GET that fails": {
			broken: http.StatusInternalServerError, refused: []string{"If-Match", "*"}, status: 503, kind: problem.KindValidatorUnavailable,
		},
	} {
		for which, c := range map[string]idempotency.Config{"": {}, ", and everything is kept": {Keep: keepAll}} {
			t.Run(name+which, func(t *testing.T) {
				d := &document{text: "one", broken: test.broken}
				heard := &observer{}
				c.Observer = heard
				h := protect(t, d, c, test.e)
				wantKind(t, test.status, test.kind, send(h, put("k", "two", test.refused...)))
				assert.Zero(t, d.written())
				assert.Empty(t, heard.of(middleware.EventUnknown))
				d.broken = 0
				corrected := send(h, put("k", "another text", test.right...))
				require.Equal(t, http.StatusOK, corrected.Code, corrected.Body)
				assert.Equal(t, 1, d.written())
				wantReplay(t, corrected, send(h, put("k", "another text", test.right...)))
			})
		}
	}
}

func TestRefusalOfABusyResourceIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &document{text: "one", delay: time.Minute / 2}
		keepAll := func(int, http.Header) idempotency.Disposition { return idempotency.Keep }
		h := protect(t, d, idempotency.Config{Keep: keepAll}, etag.Config{GateWait: time.Second})
		go send(h, put("k1", "two"))
		synctest.Wait()
		wantKind(t, http.StatusConflict, problem.KindResourceBusy, send(h, put("k2", "three")))
		time.Sleep(time.Minute)
		assert.Equal(t, http.StatusOK, send(h, put("k2", "three")).Code)
		assert.Equal(t, 2, d.written())
	})
}

// TestRefusalsOfAnInnerClaimAreNotKept: a layer of another namespace inside is
// like any other that refuses.
func TestRefusalsOfAnInnerClaimAreNotKept(t *testing.T) {
	pay := &till{}
	inner := newLayer(t, idempotency.Config{Namespace: "inner", Header: "Inner-Key", Require: func(*http.Request) bool { return true }})
	h := newLayer(t, idempotency.Config{Namespace: "outer"}).Handler(inner.Handler(pay))
	wantKind(t, http.StatusBadRequest, problem.KindKeyMissing, send(h, post("k", "{}")))
	corrected := send(h, post("k", "{}", "Inner-Key", "i"))
	require.Equal(t, http.StatusCreated, corrected.Code, corrected.Body)
	wantReplay(t, corrected, send(h, post("k", "{}", "Inner-Key", "i")))
	assert.EqualValues(t, 1, pay.runs.Load())
}

// TestAHandlersOwnProblemIsKept: a problem that the handler answers with is an
// outcome, of whatever kind it is.
func TestAHandlersOwnProblemIsKept(t *testing.T) {
	for _, p := range []*problem.Problem{
		problem.New(problem.KindDuplicate, "There is one."),
		problem.StateConflict("It is taken."),
		problem.New(problem.KindKeyReused, "As an upstream service says."),
	} {
		pay := &till{then: func(w http.ResponseWriter, r *http.Request, _ int64) { problem.JSON(w, r, p) }}
		h := newLayer(t, idempotency.Config{}).Handler(pay)
		first := send(h, post("k", "{}"))
		wantReplay(t, first, send(h, post("k", "{}")))
		assert.EqualValues(t, 1, pay.runs.Load())
	}
}
