package natsstore

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/concordhttp/concord/store"
)

// Defaults of [Config].
const (
	DefaultBucket     = "concord"
	DefaultTimeout    = 4 * time.Second
	DefaultMaxRecords = 1 << 18
	DefaultMaxBytes   = 1 << 30
	DefaultMaxBody    = 512 << 10
	DefaultMaxWaiters = 4096
	DefaultMaxSkew    = 100 * time.Millisecond
)

// Config of a [Store]. Zero fields have the stated defaults; Conn is required.
// Nothing may be negative. Servers that share a bucket should have the same
// limits.
type Config struct {
	// Conn is the connection, which the store shares with whoever else uses it
	// and never closes. With nats.ReconnectBufSize(-1) a write never waits in
	// the client for a connection to come back; otherwise one that was sent in
	// the very moment in which the connection broke may reach the server much
	// later.
	Conn *nats.Conn

	// Bucket is the name of the key-value bucket: letters, digits, "_" and "-",
	// at most 64. Default "concord". The stream is called KV_ and this.
	Bucket string

	// Timeout bounds each call, all its requests together and the waiting for a
	// connection or a leader included. Past it a call fails with
	// store.ErrUnavailable. A read that was not answered within a quarter of it
	// is sent again; a write never is. Default 4 s.
	Timeout time.Duration

	// MaxRecords is how many records the bucket holds, those that were deleted
	// or have expired within Grace included. Create fails with store.ErrFull
	// beyond it. It is checked by each store against what the server counts, at
	// the latest when it has created a sixty-fourth of what there was room for;
	// so hundreds of servers may together go beyond it. Default 262,144.
	MaxRecords int64

	// MaxBytes is how many bytes the bucket may hold before bodies are dropped;
	// heads are not, so the bucket may grow to this and MaxRecords heads of at
	// most 4 KiB. It is checked as MaxRecords is. Default 1 GiB.
	MaxBytes int64

	// MaxBody is the largest body, in bytes. Create refuses a larger one with
	// store.ErrTooLarge, Replace drops it. Together with 6 KiB it must not
	// exceed the server's max_payload, or that counts. Default 512 KiB.
	MaxBody int

	// MaxWaiters bounds how many calls of Watch wait for news at once, each
	// key that is watched being one subscription; those beyond it return after
	// a quarter of a second. Default 4,096.
	MaxWaiters int

	// MaxSkew is how far apart the clocks of the servers of a cluster may be.
	// Records of a replicated bucket expire later by so much, and look younger.
	// Default 100 ms.
	MaxSkew time.Duration

	// Grace is how long the bucket keeps what was deleted or has expired, so
	// that a Create that arrives late, and twice, does not bring it back. The
	// server counts in seconds. Default store.Grace, 10 minutes.
	Grace time.Duration

	// Replicas is how many servers Migrate has keep the bucket: 1, 3 or 5.
	// Default 1. Check wants at least as many.
	Replicas int
}

var bucketName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// withDefaults returns c with every zero field filled in.
func (c Config) withDefaults() Config {
	orDefault(&c.Bucket, DefaultBucket)
	orDefault(&c.Timeout, DefaultTimeout)
	orDefault(&c.MaxRecords, DefaultMaxRecords)
	orDefault(&c.MaxBytes, DefaultMaxBytes)
	orDefault(&c.MaxBody, DefaultMaxBody)
	orDefault(&c.MaxWaiters, DefaultMaxWaiters)
	orDefault(&c.MaxSkew, DefaultMaxSkew)
	orDefault(&c.Grace, store.Grace)
	orDefault(&c.Replicas, 1)
	return c
}

func orDefault[T comparable](field *T, standard T) {
	var zero T
	if *field == zero {
		*field = standard
	}
}

// check returns every mistake in c, which has its defaults.
func (c Config) check() error {
	var errs []error
	wrong := func(field string, value any, reason string) {
		errs = append(errs, &store.ConfigError{Field: field, Value: value, Reason: reason})
	}
	positive := func(field string, value any, is bool) {
		if !is {
			wrong(field, value, "must be positive")
		}
	}
	if c.Conn == nil {
		wrong("Conn", nil, "is required")
	}
	if !bucketName.MatchString(c.Bucket) {
		wrong("Bucket", c.Bucket, `must be 1 to 64 letters, digits, "_" or "-"`)
	}
	positive("Timeout", c.Timeout, c.Timeout > 0)
	positive("MaxRecords", c.MaxRecords, c.MaxRecords > 0)
	positive("MaxBytes", c.MaxBytes, c.MaxBytes > 0)
	if c.MaxBody <= 0 || c.MaxBody > largestBody {
		wrong("MaxBody", c.MaxBody, fmt.Sprintf("must be positive and at most %d, what a server lets through", largestBody))
	}
	positive("MaxWaiters", c.MaxWaiters, c.MaxWaiters > 0)
	positive("MaxSkew", c.MaxSkew, c.MaxSkew > 0)
	positive("Grace", c.Grace, c.Grace > 0)
	if c.Replicas != 1 && c.Replicas != 3 && c.Replicas != 5 {
		wrong("Replicas", c.Replicas, "must be 1, 3 or 5")
	}
	return errors.Join(errs...)
}
