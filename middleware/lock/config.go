package lock

import (
	"net/http"
	"time"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store"
)

// Defaults of [Config].
const (
	DefaultTTL     = 5 * time.Minute
	DefaultMaxTTL  = 10 * time.Minute
	DefaultMaxBody = 4 << 20
)

// Config is what [New] takes. Principal is required.
type Config struct {
	// Store holds the locks and the gate. Nil: a memory store of this layer's
	// own, which other servers do not see. Give the one that the layer of entity
	// tags has, and the same Namespace: the two then share one gate.
	Store store.Store

	// Namespace keeps applications on one store apart. Any bytes, also none.
	Namespace string

	// Principal tells whom a request acts for. A lock counts for the principal
	// that took it alone. An error, or an empty string, refuses requests with
	// 500 where it matters: LOCK and UNLOCK, writes with a Lock-Token, and
	// writes of a resource that is locked.
	Principal middleware.Principal

	// Resource returns the key of the resource that a request is about. Nil:
	// [middleware.NormalisedPath]. Requests about one resource must get one key,
	// however they spell it.
	Resource func(*http.Request) string

	// Lockable says which resources can be locked, by a request about them.
	// With others the layer is not concerned: their writes do not wait for each
	// other, and LOCK and UNLOCK go to the handler. Nil: all can be, and every
	// write passes the gate of its resource; a collection that many POST to at
	// once is then written to by one at a time.
	Lockable func(*http.Request) bool

	// Authorize is asked before a lock is granted or renewed. An error refuses
	// it: with the problem if it is a [problem.Problem], else with 403. Nil:
	// whoever gets as far as the layer may lock.
	Authorize func(*http.Request) error

	// Holder returns what others are shown of who holds the lock that a request
	// takes, of which [MaxHolder] bytes are kept. Nil: nothing is shown.
	Holder func(*http.Request) string

	// TTL is how long a lock lasts for which nobody says how long it should.
	// At least a second. 0: 5 minutes, or MaxTTL if that is shorter.
	TTL time.Duration

	// MaxTTL is how long a lock lasts at most unless it is renewed, whatever
	// was asked for. At least a second. 0: 10 minutes.
	MaxTTL time.Duration

	// Status is that of the problem locked: 409, or 423 (RFC 4918 section 11.3)
	// for clients that know it. 0: 409.
	Status int

	// MaxBody is how many bytes of a write's body, and of its answer, are held
	// in memory, so that a slow client does not hold the gate. 0: 4 MiB.
	MaxBody int64

	// GateLease is how long the gate stays closed after the server that holds
	// it died. It is renewed while the handler runs. 0: 10 s.
	GateLease time.Duration

	// GateWait is how long a request waits at the gate before it is answered
	// 409 resource-busy. 0: 5 s; negative: not at all.
	GateWait time.Duration

	// MaxRun is how long a write may hold the gate. Past it the handler's
	// context is cancelled and the gate opens. 0: 1 min.
	MaxRun time.Duration

	// Respond writes problems. Nil: [problem.JSON].
	Respond problem.Responder

	// Observer is told of each decision. Nil: nobody is.
	Observer middleware.Observer
}

// complete returns c with its defaults.
func (c Config) complete() Config {
	if c.Resource == nil {
		c.Resource = middleware.NormalisedPath
	}
	if c.Respond == nil {
		c.Respond = problem.JSON
	}
	if c.MaxTTL == 0 {
		c.MaxTTL = DefaultMaxTTL
	}
	if c.TTL == 0 {
		c.TTL = min(DefaultTTL, c.MaxTTL)
	}
	if c.Status == 0 {
		c.Status = http.StatusConflict
	}
	if c.MaxBody == 0 {
		c.MaxBody = DefaultMaxBody
	}
	return c
}
