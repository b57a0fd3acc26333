package lease

import (
	"errors"
	"fmt"
	"time"

	"github.com/concordhttp/concord/store"
)

// Limits and defaults of [Config].
const (
	MinLease = 10 * time.Millisecond // shorter ones could not be renewed in time by any real store
	MaxLease = 24 * time.Hour        // a record that states a longer one is corrupt

	DefaultLease       = 30 * time.Second
	DefaultMaxRun      = 5 * time.Minute
	DefaultMaxWaiters  = 1024
	DefaultCallTimeout = 5 * time.Second
	DefaultPollMin     = 5 * time.Millisecond
	DefaultPollMax     = 250 * time.Millisecond
)

// Config of a [Keeper]. Zero fields have the stated defaults; Store is
// required. Durations and counts may not be negative.
type Config struct {
	// Store keeps the records.
	Store store.Store

	// Lease is how long a hold lasts from each write of its record; it is
	// renewed when a third of it has passed. MinLease to MaxLease, default
	// 30 s. Servers on one store may differ: each record states its own.
	Lease time.Duration

	// Margin makes up for clocks that run at different rates and for
	// goroutines that are scheduled late: the owner stops so much before its
	// lease is over, a taker starts so much after. Less than half of Lease;
	// default a tenth of it.
	Margin time.Duration

	// MaxRun bounds how long one lease can be held, renewals included: past it
	// the context ends with ErrMaxRun and the record lapses. Default 5 min.
	MaxRun time.Duration

	// MaxWaiters bounds how many callers wait in Acquire at once; more get
	// ErrBusy at once. As many creates without a reply, and deletes that
	// failed, are followed up at once. Default 1024.
	MaxWaiters int

	// CallTimeout bounds each call of the store, and the following up of a
	// create without a reply: the context that the store is given ends then. A
	// store that does not return soon after takes as long as it takes. A call
	// that serves to hold the lease also ends when the lease would. Default
	// 5 s.
	CallTimeout time.Duration

	// PollMin and PollMax are the first and the longest pause between two
	// looks at a record in the way, in a store that is no store.Watcher.
	// Pauses double, and vary by half up and down. Defaults 5 ms and 250 ms.
	PollMin, PollMax time.Duration
}

// withDefaults returns c with every zero field filled in.
func (c Config) withDefaults() Config {
	c.Lease = orDefault(c.Lease, DefaultLease)
	c.Margin = orDefault(c.Margin, max(c.Lease, 0)/10)
	c.MaxRun = orDefault(c.MaxRun, DefaultMaxRun)
	c.MaxWaiters = orDefault(c.MaxWaiters, DefaultMaxWaiters)
	c.CallTimeout = orDefault(c.CallTimeout, DefaultCallTimeout)
	c.PollMin = orDefault(c.PollMin, DefaultPollMin)
	c.PollMax = orDefault(c.PollMax, max(DefaultPollMax, c.PollMin))
	return c
}

func orDefault[T comparable](value, standard T) T {
	var zero T
	if value == zero {
		return standard
	}
	return value
}

// check returns every mistake in c, which has its defaults.
func (c Config) check() error {
	var errs []error
	wrong := func(field string, value any, reason string) {
		errs = append(errs, &store.ConfigError{Field: field, Value: value, Reason: reason})
	}
	if c.Store == nil {
		wrong("Store", nil, "is required")
	}
	possible := c.Lease >= MinLease && c.Lease <= MaxLease
	if !possible {
		wrong("Lease", c.Lease, fmt.Sprintf("must be %v to %v", MinLease, MaxLease))
	}
	if c.Margin < 0 || (possible && c.Margin >= c.Lease/2) {
		wrong("Margin", c.Margin, "must be positive and less than half of Lease")
	}
	if c.MaxRun <= 0 {
		wrong("MaxRun", c.MaxRun, "must be positive")
	}
	if c.MaxWaiters <= 0 {
		wrong("MaxWaiters", c.MaxWaiters, "must be positive")
	}
	if c.CallTimeout <= 0 {
		wrong("CallTimeout", c.CallTimeout, "must be positive")
	}
	if c.PollMin <= 0 || c.PollMax < c.PollMin {
		wrong("PollMin", c.PollMin, fmt.Sprintf("must be positive and at most PollMax, %v", c.PollMax))
	}
	return errors.Join(errs...)
}
