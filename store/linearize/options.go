package linearize

import (
	"os"
	"strconv"
	"time"
)

// Options say how much to check. The zero value is ready to use; a field that
// is zero or negative means its default.
type Options struct {
	// Operations is how many steps the clients take together, 20,000 by
	// default. They are checked in chunks of Chunk steps, 4,000 by default,
	// each of which goes on where the one before ended: memory is that of one
	// chunk, and the time of a check grows faster than the chunk.
	Operations, Chunk int

	// Clients is how many take steps at once, 8 by default; Keys is how many
	// keys they share, 4 by default. The fewer keys and the more clients, the
	// more races, and the longer the search for an order.
	Clients, Keys int

	// Patience bounds the search for the order of one chunk, 1 minute by
	// default. A search that takes longer fails the test, since it has shown
	// nothing: take a smaller chunk.
	Patience time.Duration

	// Seed decides what the clients do. By default it is that of the
	// environment variable CONCORD_SEED, else drawn from the clock, and it is
	// printed. The same seed gives each client the same lots again; how their
	// steps interleave is up to the scheduler and the store.
	Seed uint64
}

func (o Options) withDefaults() Options {
	positive(&o.Operations, 20_000)
	positive(&o.Chunk, 4_000)
	positive(&o.Clients, 8)
	positive(&o.Keys, 4)
	positive(&o.Patience, time.Minute)
	if o.Seed == 0 {
		o.Seed = newSeed()
	}
	return o
}

func positive[T int | time.Duration](field *T, byDefault T) {
	if *field <= 0 {
		*field = byDefault
	}
}

func newSeed() uint64 {
	if seed, err := strconv.ParseUint(os.Getenv("CONCORD_SEED"), 10, 64); err == nil {
		return seed
	}
	return uint64(time.Now().UnixNano())
}
