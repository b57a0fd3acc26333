package storetest

import (
	"errors"
	"io"
	"time"

	"github.com/concordhttp/concord/store"
)

var closedStoreSaysSo = check{
	Name: "ClosedStoreSaysSo",
	Why: "after Close every method fails with ErrClosed, those who watch are woken, and Close may be called again; " +
		"an absent record is the one answer that a closed store must not give, for it makes the caller go ahead",
	Run: func(e *env) {
		s := e.store()
		closer, ok := s.(io.Closer)
		if !ok {
			e.Skipf("not checked: %T has no Close", s)
		}
		r := e.mustCreate(s, "stands", record("first", e.long))
		woken := make(chan error, 1)
		if w, watches := s.(store.Watcher); watches {
			go func() { woken <- e.await(e.ctx, s, w, "stands", r.Version) }()
		} else {
			woken <- store.ErrClosed
		}
		e.settle()
		for range 2 {
			e.noError(closer.Close(), "Close")
		}
		e.refused(s, "stands", r.Version, record("second", e.long), store.ErrClosed)
		timeout := time.NewTimer(e.patience)
		defer timeout.Stop()
		select {
		case err := <-woken:
			if !errors.Is(err, store.ErrClosed) {
				e.Errorf("a watcher when the store was closed: error %v; want store.ErrClosed", err)
			}
		case <-timeout.C:
			e.Errorf("a watcher still sleeps %v after the store was closed; want it woken", e.patience)
		}
	},
}
