package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
)

func TestListenersHearWhatHappensUntilTheyLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := NewEvents()
		ctx, leave := context.WithCancel(t.Context())
		w := httptest.NewRecorder()
		go events.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/events", http.NoBody))
		synctest.Wait()
		events.Tell("created 1")
		synctest.Wait()
		leave()
		synctest.Wait()
		events.Tell("created 2")
		want := "event: hello\ndata: listening\n\nevent: change\ndata: created 1\n\n"
		if w.Body.String() != want || !w.Flushed {
			t.Errorf("%q, flushed: %v; want %q", w.Body, w.Flushed, want)
		}
		if len(events.listeners) != 0 {
			t.Error("the listener left, and is still on the list")
		}
	})
}

func TestCloseEndsEveryStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := NewEvents()
		for range 3 {
			go events.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/events", http.NoBody))
		}
		synctest.Wait()
		events.Close()
		events.Close() // a second time does nothing
		// The bubble fails if a stream is left over.
	})
}

func TestASlowListenerHoldsNobodyUp(t *testing.T) {
	events := NewEvents()
	changes, leave := events.listen()
	defer leave()
	for range 3 * maxUnread {
		events.Tell("created 1")
	}
	if len(changes) != maxUnread {
		t.Errorf("%d changes wait for it, want %d", len(changes), maxUnread)
	}
}

func TestThereIsALimitToListeners(t *testing.T) {
	events := NewEvents()
	for range maxListeners {
		if _, leave := events.listen(); leave == nil {
			t.Fatal("refused below the limit")
		}
	}
	w := httptest.NewRecorder()
	events.ServeHTTP(w, httptest.NewRequest("GET", "/events", http.NoBody))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("one more than the limit: %d", w.Code)
	}
}
