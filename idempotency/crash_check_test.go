package idempotency_test

import "github.com/concordhttp/concord/idempotency"

// mayRepeat reports whether an answer may have been delivered that could not be
// recorded, and the request then run again.
func (w *crashWorld) mayRepeat() bool { return w.cuts && w.mode.unknown == idempotency.Rerun }

// effects is how often what key stands for was done.
func (w *crashWorld) effects(key string) int {
	if w.mode.transactional {
		return w.store.count(key)
	}
	return w.keys[key].effects
}

// check checks what was promised.
func (w *crashWorld) check() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, k := range w.keys {
		n := w.effects(name)
		switch {
		case w.mode.transactional && n != 1:
			w.t.Errorf("%s was done %d times, wanted exactly once", name, n)
		case w.mode.unknown == idempotency.Refuse && n > 1:
			w.t.Errorf("%s was done %d times, wanted at most once", name, n)
		case k.answer != "" && n == 0:
			w.t.Errorf("%s was answered %q and never done", name, k.answer)
		}
		if k.unknown && (w.mode.transactional || w.mode.unknown == idempotency.Rerun) {
			w.t.Errorf("%s was given up as unknown", name)
		}
		if k.unknown && k.answer != "" && !w.cuts {
			w.t.Errorf("%s is unknown to one client, and answered %q to another", name, k.answer)
		}
		if k.first > 1 && !w.mayRepeat() {
			w.t.Errorf("%s was answered for the first time %d times", name, k.first)
		}
		if len(k.running) > 0 {
			w.t.Errorf("%s still runs", name)
		}
	}
}
