package redisstore

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/concordhttp/concord/store"
)

// Limits and defaults of [Config].
const (
	MaxPrefix  = 128                   // longest Config.Prefix, in bytes
	MinRecheck = 10 * time.Millisecond // shortest Config.Recheck

	DefaultPrefix      = "concord:"
	DefaultCallTimeout = 3 * time.Second
	DefaultMaxBody     = 8 << 20
	DefaultMaxWaiters  = 4096
	DefaultRecheck     = 5 * time.Second
)

// Config of a [Store]. Zero fields have the stated defaults. Durations and
// counts may not be negative.
type Config struct {
	// Prefix begins the name of every key and channel of this store. Of the
	// prefixes in use on one server none may begin with another, so it ends
	// with a character that is not in the middle of any. One with braces has
	// Cluster keep all records on one node. At most MaxPrefix bytes, default
	// "concord:".
	Prefix string

	// CallTimeout bounds each call, the client's own repetitions included: it
	// then fails with store.ErrUnavailable. A call heeds the deadline of its
	// context as well; that its context was cancelled it may notice only when
	// a reply comes, or CallTimeout is over. Default 3 s.
	CallTimeout time.Duration

	// MaxBody is the largest Record.Body, in bytes. Create of a larger one
	// fails with store.ErrTooLarge, Replace drops it. A server does nothing
	// else while it copies a body. Default 8 MiB.
	MaxBody int

	// MaxWaiters bounds how many callers are in Watch at once; more get
	// ErrTooManyWaiters. They share one connection. Default 4096.
	MaxWaiters int

	// Recheck is how long a watcher sleeps at most before it looks at the
	// record, in case a message was lost without a trace. As often the shared
	// connection is tried, while anybody watches; one on which nothing comes
	// for CallTimeout after that is given up. At least MinRecheck, default 5 s.
	Recheck time.Duration

	// Replicas is how many replicas must have received a record before the
	// Create, Replace or Delete that wrote it succeeds, by WAIT in the same
	// round trip; one that fails for that with store.ErrUnavailable may stand
	// all the same. So it is with a Create or Replace that is shown a record
	// with its own head, which it may have written by an earlier delivery, and
	// with a Delete that was carried out before. What other losers and Get are
	// shown is not waited for. It makes
	// a failover lose less, not nothing: see README.md. Not for Cluster.
	// Default 0.
	Replicas int

	// ReplicaTimeout bounds the wait for Replicas. It must be less than
	// CallTimeout. Default a third of that.
	ReplicaTimeout time.Duration
}

// withDefaults returns c with every zero field filled in.
func (c Config) withDefaults() Config {
	if c.Prefix == "" {
		c.Prefix = DefaultPrefix
	}
	orDefault(&c.CallTimeout, DefaultCallTimeout)
	orDefault(&c.MaxBody, DefaultMaxBody)
	orDefault(&c.MaxWaiters, DefaultMaxWaiters)
	orDefault(&c.Recheck, DefaultRecheck)
	orDefault(&c.ReplicaTimeout, max(c.CallTimeout, 0)/3)
	return c
}

func orDefault[T int | time.Duration](field *T, standard T) {
	if *field == 0 {
		*field = standard
	}
}

// check returns every mistake in c, which has its defaults, and in the client.
func (c Config) check(client redis.UniversalClient) error {
	var errs []error
	wrong := func(field string, value any, reason string) {
		errs = append(errs, &store.ConfigError{Field: field, Value: value, Reason: reason})
	}
	c.checkClient(client, wrong)
	if len(c.Prefix) > MaxPrefix {
		wrong("Prefix", c.Prefix, fmt.Sprintf("is longer than %d bytes", MaxPrefix))
	}
	positive := func(field string, value any, is bool) {
		if !is {
			wrong(field, value, "must be positive")
		}
	}
	positive("CallTimeout", c.CallTimeout, c.CallTimeout > 0)
	positive("MaxBody", c.MaxBody, c.MaxBody > 0)
	positive("MaxWaiters", c.MaxWaiters, c.MaxWaiters > 0)
	if c.Recheck < MinRecheck {
		wrong("Recheck", c.Recheck, fmt.Sprintf("must be %v at least", MinRecheck))
	}
	if c.Replicas < 0 {
		wrong("Replicas", c.Replicas, "must not be negative")
	}
	if c.CallTimeout > 0 && (c.ReplicaTimeout < time.Millisecond || c.ReplicaTimeout >= c.CallTimeout) {
		wrong("ReplicaTimeout", c.ReplicaTimeout, fmt.Sprintf("must be 1ms at least and less than CallTimeout, %v", c.CallTimeout))
	}
	return errors.Join(errs...)
}

// checkClient looks at what is known of a client. Of one that is neither of
// go-redis' own types nothing is.
func (c Config) checkClient(client redis.UniversalClient, wrong func(field string, value any, reason string)) {
	if client == nil || reflect.ValueOf(client).Kind() == reflect.Pointer && reflect.ValueOf(client).IsNil() {
		wrong("client", nil, "is required")
		return
	}
	timely, reads := true, DefaultCallTimeout
	switch client := client.(type) {
	case *redis.Client:
		timely, reads = client.Options().ContextTimeoutEnabled, client.Options().ReadTimeout
		if c.Replicas > 0 && reads > 0 && c.ReplicaTimeout >= reads {
			wrong("ReplicaTimeout", c.ReplicaTimeout, fmt.Sprintf("must be less than the client's ReadTimeout, %v", reads))
		}
	case *redis.ClusterClient:
		timely, reads = client.Options().ContextTimeoutEnabled, client.Options().ReadTimeout
		if c.Replicas > 0 {
			wrong("Replicas", nil, "cannot be waited for in a Cluster, where the client does not tell which connection a write took")
		}
	case *redis.Ring:
		wrong("client", fmt.Sprintf("%T", client), "moves keys to other servers when one is down, and their records stay behind")
		return
	default:
		if c.Replicas > 0 {
			wrong("Replicas", nil, fmt.Sprintf("needs a *redis.Client, not a %T", client))
		}
	}
	if !timely {
		wrong("client", fmt.Sprintf("%T", client), "needs ContextTimeoutEnabled in its options: a call could not be bounded without")
	}
	if reads <= 0 { // as the client has them, where 0 and -1 are no limit
		wrong("client", fmt.Sprintf("%T", client), "needs a ReadTimeout in its options: it makes the watchers' connection again by itself, which could not be bounded without")
	}
}
