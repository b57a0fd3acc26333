package storetest

import (
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/concordhttp/concord/store"
)

var stormKeepsItsInvariants = check{
	Name: "StormKeepsItsInvariants",
	Why: "in any mixture of concurrent steps on one key no version comes twice, each is ended once at most, " +
		"and every record that anybody is shown is one that somebody wrote, with the version it was written at",
	Run: func(e *env) {
		s := e.store()
		lots := e.random()
		seeds := make([]uint64, racers)
		for i := range seeds {
			seeds[i] = lots.Uint64()
		}
		log := &stormLog{written: map[keyVersion]string{}, ended: map[keyVersion]string{}, shown: map[keyVersion]string{}}
		answers := race(racers, func(i int) (store.Record, bool, error) {
			w := stormWorker{env: e, store: s, log: log, lots: generator(seeds[i]), name: fmt.Sprint(i)}
			return store.Record{}, true, w.run()
		})
		for _, a := range answers {
			e.noError(a.err, "racer %d", a.racer)
		}
		log.judge(e)
	},
}

// keyVersion names a version of a record.
type keyVersion struct {
	key     string
	version uint64
}

// stormLog is what all workers together were told.
type stormLog struct {
	mu       sync.Mutex
	written  map[keyVersion]string // by which nonce
	ended    map[keyVersion]string // by which step that succeeded
	shown    map[keyVersion]string // with which head
	mistakes []string
}

// note records a fact, and a mistake if it contradicts one that is known.
func (l *stormLog) note(facts map[keyVersion]string, of keyVersion, fact, twice string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, ok := facts[of]; ok && (twice != "" || known != fact) {
		l.mistakes = append(l.mistakes, fmt.Sprintf("%q version %d: %s %q and %q", of.key, of.version, twice, known, fact))
	}
	facts[of] = fact
}

// judge reports what the facts contradict, once all are known.
func (l *stormLog) judge(e *env) {
	e.Helper()
	for _, m := range l.mistakes {
		e.Errorf("%s", m)
	}
	for of, head := range l.shown {
		if nonce, ok := l.written[of]; !ok || nonce != head {
			e.Errorf("%q version %d was shown with head %q; it was written as %q", of.key, of.version, head, nonce)
		}
	}
	for of := range l.ended {
		if _, ok := l.written[of]; !ok {
			e.Errorf("%q version %d was replaced or deleted, and nobody wrote it", of.key, of.version)
		}
	}
}

// stormWorker takes random steps on a few keys that all share.
type stormWorker struct {
	*env
	store store.Store
	log   *stormLog
	lots  *rand.Rand
	name  string
	known map[string]uint64 // the version that was last seen of a key
}

func (w *stormWorker) run() error {
	w.known = map[string]uint64{}
	for i := range 8 * rounds {
		key := fmt.Sprintf("storm %d", w.lots.IntN(3))
		if err := w.step(key, fmt.Sprintf("%s.%d", w.name, i)); err != nil {
			return err
		}
	}
	return nil
}

func (w *stormWorker) step(key, nonce string) error {
	at := keyVersion{key, w.known[key]}
	var r store.Record
	var ok bool
	var err error
	switch w.lots.IntN(5) {
	case 0:
		r, _, err = w.store.Get(w.ctx, key)
	case 1:
		if r, ok, err = w.store.Create(w.ctx, key, record(nonce, w.long)); ok {
			w.log.note(w.log.written, keyVersion{key, r.Version}, nonce, "written twice, as")
		}
	case 2, 3:
		if r, ok, err = w.store.Replace(w.ctx, key, at.version, record(nonce, w.long)); ok {
			w.log.note(w.log.written, keyVersion{key, r.Version}, nonce, "written twice, as")
			w.log.note(w.log.ended, at, "Replace by "+nonce, "ended twice, by")
		}
	case 4:
		if ok, err = w.store.Delete(w.ctx, key, at.version); ok {
			w.log.note(w.log.ended, at, "Delete by "+nonce, "ended twice, by")
		}
	}
	if r.Version != 0 {
		w.log.note(w.log.shown, keyVersion{key, r.Version}, string(r.Head), "")
	}
	w.known[key] = r.Version
	return err
}
