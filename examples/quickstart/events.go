package main

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	maxListeners  = 100              // streams open at once; more are refused
	maxUnread     = 16               // changes that a slow listener may be behind; it misses those beyond
	eventDeadline = 10 * time.Second // for one event to reach the client
)

// Events tells any number of listeners what happens, as server-sent events.
// Safe for concurrent use.
type Events struct {
	mu        sync.Mutex
	listeners map[chan string]struct{}
	closed    chan struct{}
	close     sync.Once
}

// NewEvents returns an Events that nobody listens to yet.
func NewEvents() *Events {
	return &Events{listeners: map[chan string]struct{}{}, closed: make(chan struct{})}
}

// Tell sends change to every listener. It never waits for one of them.
func (e *Events) Tell(change string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for l := range e.listeners {
		select {
		case l <- change:
		default: // too far behind
		}
	}
}

// Close ends every stream, so that a server can shut down.
func (e *Events) Close() { e.close.Do(func() { close(e.closed) }) }

// ServeHTTP streams the changes from now on, until the client leaves.
func (e *Events) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	changes, leave := e.listen()
	if changes == nil {
		http.Error(w, "too many listeners", http.StatusServiceUnavailable)
		return
	}
	defer leave()

	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	if err := send(w, "hello", "listening"); err != nil {
		return
	}
	for {
		select {
		case change := <-changes:
			if err := send(w, "change", change); err != nil {
				return
			}
		case <-r.Context().Done():
			return
		case <-e.closed:
			return
		}
	}
}

// listen adds a listener; its channel is nil if there are too many already.
func (e *Events) listen() (changes <-chan string, leave func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.listeners) >= maxListeners {
		return nil, nil
	}
	l := make(chan string, maxUnread)
	e.listeners[l] = struct{}{}
	return l, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.listeners, l)
	}
}

// send writes one event and has it leave at once. Its deadline takes the place
// of the server's WriteTimeout, which would end a stream that lives longer.
func send(w http.ResponseWriter, event, data string) error {
	out := http.NewResponseController(w)
	err := out.SetWriteDeadline(time.Now().Add(eventDeadline))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, data); err != nil {
		return err
	}
	return out.Flush()
}
