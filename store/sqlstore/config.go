package sqlstore

import (
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/concordhttp/concord/store"
)

// Defaults of [Config].
const (
	DefaultTable       = "concord_records"
	DefaultCallTimeout = 5 * time.Second
	DefaultMaxBody     = 4 << 20
	DefaultSweepBatch  = 500
	DefaultPollMin     = 5 * time.Millisecond
	DefaultPollMax     = 250 * time.Millisecond
)

// Config is what [New] takes. Zero fields have the stated defaults; Dialect is
// required. Durations, sizes and counts may not be negative.
type Config struct {
	// Dialect says what kind of database it is. Required.
	Dialect Dialect

	// Table is the name of the table, of letters, digits and underscores, up
	// to 48 of them, after that of a schema and a dot if it is to be in a
	// certain one. Default concord_records. Stores with the same table share
	// their records, and must have the same name for it.
	Table string

	// Records is a pool of connections for records alone, to the same database.
	// Without it records share the pool of the handlers: requests whose
	// transactions hold all of its connections keep the claims of others
	// waiting, until these fail with store.ErrUnavailable. A few connections
	// are enough. Nil: the pool that New is given.
	Records *sql.DB

	// CallTimeout bounds each call, retries included: then it fails with
	// store.ErrUnavailable. It depends on a driver that returns when the
	// context of a statement ends. Default 5 s.
	CallTimeout time.Duration

	// MaxBody is the longest body that is kept, in bytes. Create refuses a
	// longer one with store.ErrTooLarge, Replace drops it. What the database
	// takes in one statement (max_allowed_packet) has to be twice as much and
	// more. Default 4 MiB.
	MaxBody int

	// SweepBatch is how many rows Sweep removes in one statement. Default 500.
	SweepBatch int

	// PollMin and PollMax are the first and the longest pause between two
	// looks of Watch at a record, where nothing wakes it. Pauses double, and
	// vary by half up and down. Defaults 5 ms and 250 ms.
	PollMin, PollMax time.Duration

	// Isolation is the level of the transactions that handlers run in.
	// Default: that of the database. SQLite has but one.
	Isolation sql.IsolationLevel

	// Listen waits for a notification of PostgreSQL; it depends on the driver.
	// It takes one connection of Records while somebody waits, so there must be
	// two at least. Nil: Watch polls. See [Listen].
	Listen Listen
}

// tableName is what Table may be: nothing that needs quoting, so that all
// dialects can take it, though it is quoted all the same.
var tableName = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]{0,47}\.)?[A-Za-z_][A-Za-z0-9_]{0,47}$`)

// withDefaults returns c with every zero field filled in.
func (c Config) withDefaults(db *sql.DB) Config {
	c.Table = orDefault(c.Table, DefaultTable)
	c.Records = orDefault(c.Records, db)
	c.CallTimeout = orDefault(c.CallTimeout, DefaultCallTimeout)
	c.MaxBody = orDefault(c.MaxBody, DefaultMaxBody)
	c.SweepBatch = orDefault(c.SweepBatch, DefaultSweepBatch)
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
	switch c.Dialect {
	case PostgreSQL, MySQL, SQLite:
	default:
		wrong("Dialect", c.Dialect, "must be PostgreSQL, MySQL or SQLite")
	}
	if !tableName.MatchString(c.Table) {
		wrong("Table", c.Table, "must be a name of up to 48 letters, digits and underscores, after that of a schema and a dot if need be")
	}
	if c.CallTimeout <= 0 {
		wrong("CallTimeout", c.CallTimeout, "must be positive")
	}
	if c.MaxBody <= 0 {
		wrong("MaxBody", c.MaxBody, "must be positive")
	}
	if c.SweepBatch <= 0 {
		wrong("SweepBatch", c.SweepBatch, "must be positive")
	}
	if c.PollMin <= 0 || c.PollMax < c.PollMin {
		wrong("PollMin", c.PollMin, fmt.Sprintf("must be positive and at most PollMax, %v", c.PollMax))
	}
	if c.Isolation != sql.LevelDefault && c.Dialect == SQLite {
		wrong("Isolation", c.Isolation, "must be the default, SQLite has no other")
	}
	if c.Listen != nil && c.Dialect != PostgreSQL {
		wrong("Listen", nil, "is for PostgreSQL alone")
	}
	if c.Listen != nil && c.Records != nil && c.Records.Stats().MaxOpenConnections == 1 {
		wrong("Listen", nil, "needs a connection of its own, and Records has but one")
	}
	return errors.Join(errs...)
}
