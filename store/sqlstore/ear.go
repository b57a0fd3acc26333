package sqlstore

import (
	"context"
	"sync"
)

// ear wakes watchers when others say that a record has changed. It listens on one
// connection, as long as anybody watches and a little longer.
//
// Nobody is told of anything while nobody waits: NOTIFY makes the commits of the
// whole database wait for each other. Who watches a key holds its mark, an
// advisory lock that is shared, before it looks at the record. Who writes the
// record tries to lock the mark for itself, under the lock of the row; where that
// fails somebody watches, and is notified when the write commits. Where it
// succeeds nobody watched by then, and who begins to while the write has not
// committed fails to lock the mark, and asks again. No snapshot is involved, so
// this holds at every isolation level.
type ear struct {
	config Config
	words  *postgres
	end    context.CancelFunc
	life   context.Context //nolint:containedctx // of the goroutine, which is started when there is somebody to listen for

	ears sync.WaitGroup // goroutines: one, beside one that ends

	mu       sync.Mutex
	running  bool
	hears    bool // it listens, and was heard
	watchers int
	marks    map[int64]*mark
	pending  bool               // marks are to be locked or unlocked, or nobody watches any more
	poke     context.CancelFunc // ends the wait for a notification
}

// mark is that of the keys with one number.
type mark struct {
	number   int64
	watchers map[*watcher]struct{}
	held     bool          // the lock is held
	tried    chan struct{} // closed when it was tried; nil: nobody asks for it
}

// watcher is one call of Watch.
type watcher struct {
	e     *ear
	m     *mark
	woken chan struct{} // has room for one
}

func newEar(c Config, words *postgres) *ear {
	e := &ear{config: c, words: words, marks: map[int64]*mark{}}
	e.life, e.end = context.WithCancel(context.Background())
	return e
}

// close ends the goroutine, and waits for that.
func (e *ear) close() {
	e.mu.Lock()
	e.end()
	e.mu.Unlock()
	e.ears.Wait()
}

// watch returns a watcher of the key, nil if there is no ear.
func (e *ear) watch(key []byte) *watcher {
	if e == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	number := e.words.mark(key)
	m := e.marks[number]
	if m == nil {
		m = &mark{number: number, watchers: map[*watcher]struct{}{}}
		e.marks[number] = m
	}
	w := &watcher{e: e, m: m, woken: make(chan struct{}, 1)}
	m.watchers[w] = struct{}{}
	e.watchers++
	if !e.running && e.life.Err() == nil {
		e.running = true
		e.ears.Go(e.run)
	}
	return w
}

// leave ends the watching.
func (w *watcher) leave() {
	if w == nil {
		return
	}
	w.e.mu.Lock()
	defer w.e.mu.Unlock()
	delete(w.m.watchers, w)
	w.e.watchers--
	held := w.m.held || w.m.tried != nil
	if len(w.m.watchers) == 0 && !held {
		delete(w.e.marks, w.m.number)
	}
	if len(w.m.watchers) == 0 && held || w.e.watchers == 0 {
		w.e.change()
	}
}

// change has the goroutine look at the marks. Under mu.
func (e *ear) change() {
	e.pending = true
	if e.poke != nil {
		e.poke()
	}
}

// marked reports whether every change of the record from now on wakes w. False:
// nobody can listen at the moment, or somebody is about to change it.
func (w *watcher) marked(ctx context.Context) (bool, error) {
	if w == nil {
		return false, nil
	}
	w.e.mu.Lock()
	if w.m.held || !w.e.hears {
		defer w.e.mu.Unlock()
		return w.m.held, nil
	}
	if w.m.tried == nil {
		w.m.tried = make(chan struct{})
		w.e.change()
	}
	tried := w.m.tried
	w.e.mu.Unlock()
	select {
	case <-tried:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	w.e.mu.Lock()
	defer w.e.mu.Unlock()
	return w.m.held, nil
}

// changed receives when the record may have changed.
func (w *watcher) changed() <-chan struct{} {
	if w == nil {
		return nil
	}
	return w.woken
}

// wake wakes those who watch. Under mu of the ear.
func (m *mark) wake() {
	for w := range m.watchers {
		select {
		case w.woken <- struct{}{}:
		default: // it is going to look as it is
		}
	}
}

// decide says how trying to lock the mark has ended. Under mu of the ear.
func (m *mark) decide(held bool) {
	m.held = held
	if m.tried != nil {
		close(m.tried)
		m.tried = nil
	}
}

// deafen lets everybody poll. Under mu.
func (e *ear) deafen() {
	e.hears = false
	for number, m := range e.marks {
		m.decide(false)
		m.wake()
		if len(m.watchers) == 0 {
			delete(e.marks, number)
		}
	}
}
