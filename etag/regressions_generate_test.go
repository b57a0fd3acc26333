package etag_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

// TestWhatCannotBeTaggedIsNotHeldBack: it goes out as it is written.
func TestWhatCannotBeTaggedIsNotHeldBack(t *testing.T) {
	const maxBody = 1 << 10
	for name, field := range map[string][2]string{
		"events":                  {"Content-Type", "text/event-stream; charset=utf-8"},
		"pictures of a camera":    {"Content-Type", "multipart/x-mixed-replace; boundary=x"},
		"more than may be held":   {"Content-Length", strconv.Itoa(maxBody + 1)},
		"a tag of the handler's":  {"ETag", `"own"`},
		"as much as may be held":  {"Content-Length", strconv.Itoa(maxBody)},
		"what has no such length": {"Content-Length", "many"},
	} {
		heldBack := name == "as much as may be held" || name == "what has no such length"
		w := httptest.NewRecorder()
		h := protect(t, etag.Config{MaxBody: maxBody}, http.HandlerFunc(func(rec http.ResponseWriter, r *http.Request) {
			rec.Header().Set(field[0], field[1])
			_, _ = io.WriteString(rec, "begun")
			if r.Method == http.MethodGet {
				assert.Equal(t, heldBack, w.Body.Len() == 0, name)
			}
		}))
		h.ServeHTTP(w, httptest.NewRequest("GET", "/a", http.NoBody))
		assert.Equal(t, heldBack || field[0] == "ETag", w.Header().Get("ETag") != "", name)
	}
}

// TestOfTwoLimitsEachLayerKeepsItsOwn: a layer further in may hold back more,
// and what is larger than one's own limit has no tag, for readers or writers.
func TestOfTwoLimitsEachLayerKeepsItsOwn(t *testing.T) {
	for size, tagged := range map[int]bool{1 << 10: true, 1<<10 + 1: false} {
		text := strings.Repeat("x", size)
		more := func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				rec, _ := middleware.Record(w)
				rec.Enter(holding{}, 1<<20)
				next.ServeHTTP(rec, r)
				rec.Leave()
			})
		}
		h := protect(t, etag.Config{MaxBody: 1 << 10}, more(newDocuments(map[string]string{"/a": text})))
		w := do(h, "GET", "/a", "")
		assert.Equal(t, text, w.Body.String())
		assert.Equal(t, tagged, w.Header().Get("ETag") != "")
		w = do(h, "PUT", "/a", "x", "If-Match", etag.Of([]byte(text)).String())
		if tagged {
			assert.Equal(t, 200, w.Code)
		} else {
			wantProblem(t, w, 500, problem.KindValidatorMissing)
		}
	}
}

type holding struct{}

func (holding) Decide(*middleware.Recorder, middleware.Decision) middleware.Decision {
	return middleware.Buffer
}

// TestWhatWasSentIsNotJudged: an answer that had to be sent on before its tag was
// known stays what it is.
func TestWhatWasSentIsNotJudged(t *testing.T) {
	for _, field := range []string{"If-Match", "If-None-Match"} {
		var events told
		text := strings.Repeat("x", 2<<10)
		h := protect(t, etag.Config{MaxBody: 1 << 10, Observer: &events}, newDocuments(map[string]string{"/a": text}))
		w := do(h, "GET", "/a", "", field, map[string]string{"If-Match": `"x"`, "If-None-Match": "*"}[field])
		assert.Equal(t, 200, w.Code, field)
		assert.Equal(t, text, w.Body.String(), field)
		assert.Empty(t, events, field)
	}
}

// TestAStampIsOfWhatExists, and leaves what the handler knows better.
func TestAStampIsOfWhatExists(t *testing.T) {
	own := then.Add(-time.Hour)
	for _, exists := range []bool{false, true} {
		h := protect(t, etag.Config{Current: func(r *http.Request) (etag.State, error) {
			s, err := dated(r)
			s.Exists = exists
			return s, err
		}}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery == "own" {
				w.Header().Set("Last-Modified", at(own))
			}
			_, _ = io.WriteString(w, "one")
		}))
		for target, modified := range map[string]time.Time{"/a": then, "/a?own": own} {
			w := do(h, "GET", target, "")
			assert.Equal(t, exists, w.Header().Get("ETag") != "", target)
			if exists || target != "/a" {
				assert.Equal(t, []string{at(modified)}, w.Header().Values("Last-Modified"), target)
			} else {
				assert.Empty(t, w.Header().Values("Last-Modified"), target)
			}
		}
	}
}
