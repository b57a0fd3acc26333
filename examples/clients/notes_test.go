package clients

import (
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/concordhttp/concord"
)

// newNotes is an API of notes that nobody overwrites unseen. There is one, /notes/1.
func newNotes(t *testing.T, configure func(*server, *concord.Config)) *server {
	t.Helper()
	s := newServer(t, func(s *server, c *concord.Config) {
		c.ETag.Require = concord.Routes("PUT /notes/{id}")
		configure(s, c)
	})
	var notes sync.Map
	notes.Store("1", "Buy milk.")
	s.mux.HandleFunc("GET /notes/{id}", func(w http.ResponseWriter, r *http.Request) {
		note, ok := notes.Load(r.PathValue("id"))
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, note.(string))
	})
	s.mux.HandleFunc("PUT /notes/{id}", func(_ http.ResponseWriter, r *http.Request) {
		s.effect(r)
		if note, err := io.ReadAll(r.Body); err == nil {
			notes.Store(r.PathValue("id"), string(note))
		}
	})
	return s
}
