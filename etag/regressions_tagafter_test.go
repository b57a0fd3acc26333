package etag_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/middleware"
)

// TestTheTagAfterAWriteIsNeverOfALaterOne: without a gate, another's write can
// come while the layer asks. A client that holds its own copy with that write's
// tag would overwrite it unseen.
func TestTheTagAfterAWriteIsNeverOfALaterOne(t *testing.T) {
	var mu sync.Mutex // the layer promises nothing about it here
	text, version := "one", uint64(1)
	store := func(s string) {
		mu.Lock()
		defer mu.Unlock()
		text, version = s, version+1
	}
	read := func() (string, uint64) {
		mu.Lock()
		defer mu.Unlock()
		return text, version
	}
	interferes := true
	h := protect(t, etag.Config{Gate: etag.GateNone, TagAfterWrite: true, Current: func(*http.Request) (etag.State, error) {
		_, version := read()
		return etag.State{Exists: true, Tag: etag.FromVersion(version)}, nil
	}}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			body, _ := io.ReadAll(r.Body)
			store(string(body))
			return
		}
		text, _ := read()
		_, _ = io.WriteString(w, text)
		if interferes {
			interferes = false
			store("another's")
		}
	}))
	w := do(h, "PUT", "/a", "mine")
	require.Equal(t, 200, w.Code)
	assert.Equal(t, etag.FromVersion(2).String(), w.Header().Get("ETag"), "of what was sent")
	assert.Equal(t, 412, do(h, "PUT", "/a", "mine, edited", "If-Match", w.Header().Get("ETag")).Code)
	assert.Equal(t, "another's", text)
}

// TestAPanicAfterTheWriteLeavesItsAnswer: the write is done, and its client must
// hear of it.
func TestAPanicAfterTheWriteLeavesItsAnswer(t *testing.T) {
	for _, value := range []any{"a fault", http.ErrAbortHandler} {
		for name, c := range map[string]etag.Config{"handler": {}, "current": {Current: func(r *http.Request) (etag.State, error) { panic(value) }}} {
			var events []middleware.Event
			c.TagAfterWrite = true
			c.Observer = observerFunc(func(e middleware.Event) { events = append(events, e) })
			s := serve(t, c, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					panic(value)
				}
				w.WriteHeader(201)
				_, _ = io.WriteString(w, "saved")
			}))
			res := exchange(t, s, "PUT", "/a")
			body, _ := io.ReadAll(res.Body)
			assert.Equal(t, "201 saved", fmt.Sprint(res.StatusCode, " ", string(body)), name)
			assert.Empty(t, res.Header.Get("ETag"), name)
			require.Len(t, events, 2, name)
			assert.Equal(t, middleware.EventPassed, events[0].Kind, name)
			assert.Equal(t, middleware.EventFailed, events[1].Kind, name)
			assert.ErrorContains(t, events[1].Err, fmt.Sprint(value), name)
		}
	}
}

// TestOnlyAWholeWriteThatSucceededIsTagged, and only if what a reader is then
// given is what was sent.
func TestOnlyAWholeWriteThatSucceededIsTagged(t *testing.T) {
	for name, c := range map[string]struct {
		status int              // of the write
		read   http.HandlerFunc // called before the stored text is sent to a reader
		broken bool             // the body of the write
		tagged bool
	}{
		"as sent":            {tagged: true},
		"created":            {status: 201, tagged: true},
		"failed":             {status: 500},
		"see other":          {status: 303},
		"a broken body":      {broken: true},
		"coded for readers":  {read: func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Encoding", "x") }},
		"not found":          {read: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }},
		"only a part":        {read: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(206) }},
		"streamed to reader": {read: func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() }},
	} {
		for by, config := range map[string]etag.Config{"hash": {}, "current": {Current: dated}} {
			config.TagAfterWrite = true
			stored := ""
			h := protect(t, config, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					if c.read != nil {
						c.read(w, r)
					}
					_, _ = io.WriteString(w, stored)
					return
				}
				body, _ := io.ReadAll(r.Body) // what came is stored
				stored = string(body)
				if c.status != 0 {
					w.WriteHeader(c.status)
				}
			}))
			body := io.MultiReader(brokenOff("text"))
			if !c.broken {
				body = io.LimitReader(body, int64(len("text")))
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("PUT", "/a", body))
			assert.Equal(t, "text", stored)
			assert.Equal(t, c.tagged, w.Header().Get("ETag") != "", "%s, by %s", name, by)
		}
	}
}

// TestTheTagAfterAWriteIsNoneIfThereIsNoneAnyMore: Current may say that, or not
// know.
func TestTheTagAfterAWriteIsNoneIfThereIsNoneAnyMore(t *testing.T) {
	for name, current := range map[string]func(*http.Request) (etag.State, error){
		"gone":    func(*http.Request) (etag.State, error) { return etag.State{Tag: etag.FromVersion(1)}, nil },
		"unknown": func(*http.Request) (etag.State, error) { return hashed("x"), errBrokenOff },
	} {
		h := protect(t, etag.Config{TagAfterWrite: true, Current: current}, newDocuments(nil))
		assert.Empty(t, do(h, "PUT", "/a", "x").Header()["Etag"], name)
	}
}
