package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// model plays a language model: it takes its time for each word, and every call
// is paid for.
type model struct {
	pause time.Duration // before each word
	calls atomic.Int64
}

func (m *model) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	story := fmt.Sprintf("Once upon a time there was a client that lost its connection, and call %d was the only one it paid for.", m.calls.Add(1))
	w.Header().Set("Content-Type", "text/event-stream")
	for word := range strings.FieldsSeq(story) {
		select {
		case <-time.After(m.pause):
		case <-r.Context().Done():
			return
		}
		fmt.Fprintf(w, "data: %s\n\n", word)
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
	}
	fmt.Fprint(w, "data: [DONE]\n\n")
}
