package lease

import (
	"reflect"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/concordhttp/concord/store"
)

// Keeper acquires leases in one store and keeps them until they are released.
// It is safe for concurrent use and needs no closing. Make one with [New].
type Keeper struct {
	config    Config
	watcher   store.Watcher // nil: the store is none
	immediate bool          // the store is one
	clock     clock
	due       *timetable

	lines     lines               // callers of this process that wait, by key
	waiting   *semaphore.Weighted // places in lines
	following *semaphore.Weighted // creates without a reply that are followed up

	nonces nonces

	jitter func(time.Duration) time.Duration // varies a pause; replaced in tests
}

// New returns a Keeper, or every mistake in config at once, each a
// *store.ConfigError.
func New(config Config) (*Keeper, error) {
	config = config.withDefaults()
	if err := config.check(); err != nil {
		return nil, err
	}
	c := clock{time.Now()}
	k := &Keeper{
		config:    config,
		clock:     c,
		due:       &timetable{clock: c},
		nonces:    newNonces(),
		waiting:   semaphore.NewWeighted(int64(config.MaxWaiters)),
		following: semaphore.NewWeighted(int64(config.MaxWaiters)),
		jitter:    halfUpOrDown,
	}
	k.watcher, _ = config.Store.(store.Watcher)
	k.immediate = isImmediate(config.Store)
	return k, nil
}

// immediate is implemented by stores in the memory of the process: a call waits
// for nothing, is carried out once, and is over when it returns. So there is no
// need to look at the clock around each, to know when it was sent and how long
// it took. They return themselves, so that a wrapper which embeds one, and may
// be as slow as it likes, does not count as one.
type immediate interface{ Immediate() store.Store }

func isImmediate(s store.Store) bool {
	i, ok := s.(immediate)
	return ok && reflect.TypeOf(s).Comparable() && i.Immediate() == s
}
