package etag_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/middleware/problem"
)

// TestTheRepresentationInAProblemIsACopy: the buffer that it came in is another
// request's by the time that the problem is written.
func TestTheRepresentationInAProblemIsACopy(t *testing.T) {
	busy := protect(t, etag.Config{}, newDocuments(map[string]string{"/a": `{"secret":"of another client"}`}))
	for contentType, want := range map[string]string{"application/json": `"current":{"title":"mine"}`, "text/plain": `"current":"{\"title\":\"mine\"}"`} {
		h := protect(t, etag.Config{Respond: func(w http.ResponseWriter, r *http.Request, p *problem.Problem) {
			for range 10 {
				do(busy, "GET", "/a", "")
			}
			problem.JSON(w, r, p)
		}}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			_, _ = io.WriteString(w, `{"title":"mine"}`)
		}))
		for range 10 {
			w := do(h, "PUT", "/a", "x", "If-Match", `"old"`, "Prefer", "return=representation")
			wantProblem(t, w, 412, problem.KindVersionMismatch, want)
		}
	}
}

// TestTextThatIsNoUTF8IsNotShown: in JSON it would be another text.
func TestTextThatIsNoUTF8IsNotShown(t *testing.T) {
	h := protect(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=iso-8859-1")
		_, _ = io.WriteString(w, "caf\xe9")
	}))
	w := do(h, "PUT", "/a", "x", "If-Match", `"old"`, "Prefer", "return=representation")
	wantProblem(t, w, 412, problem.KindVersionMismatch)
	assert.NotContains(t, w.Body.String(), `"current":`)
	assert.Empty(t, w.Header().Get("Preference-Applied"))
}

// TestNothingIsNotWhatAStreamLeft: of an answer that was sent on, no byte is
// left to compare with an empty body.
func TestNothingIsNotWhatAStreamLeft(t *testing.T) {
	h := protect(t, etag.Config{TagAfterWrite: true, Current: dated}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, "something else")
		}
	}))
	assert.Empty(t, do(h, "PUT", "/a", "").Header().Get("ETag"))
}

// TestTheQuestionAfterAWriteFreesItsMemoryToo, like the one before it.
func TestTheQuestionAfterAWriteFreesItsMemoryToo(t *testing.T) {
	var left http.ResponseWriter
	h := protect(t, etag.Config{TagAfterWrite: true}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			left = w
			_, _ = io.WriteString(w, "one")
		}
	}))
	assert.NotEmpty(t, do(h, "PUT", "/a", "one").Header().Get("ETag"))
	_, err := io.WriteString(left, "x")
	assert.ErrorIs(t, err, http.ErrHandlerTimeout)
}
