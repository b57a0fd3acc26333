package etag

import (
	"net/http"
	"time"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store"
)

// Defaults of [Config].
const (
	DefaultMaxBody   = 4 << 20
	DefaultGateLease = 10 * time.Second
	DefaultGateWait  = 5 * time.Second
	DefaultMaxRun    = time.Minute
)

// Gate says which requests pass the gate of their resource.
type Gate uint8

// The gates.
const (
	// GateAll, the zero value: all PUT, PATCH, DELETE, LOCK and UNLOCK, and
	// every other unsafe method that carries a precondition. A write without
	// a precondition then cannot slip between the check and the write of one
	// that has. A LOCK or UNLOCK with Lock-Token is about a lock that stands
	// already, and counts as such an other method.
	GateAll Gate = iota
	// GateConditional: requests with a precondition only. Other writes of the
	// resource are then not ordered against them.
	GateConditional
	// GateNone: no gate. The handler compares and sets by itself, with the
	// [Check] that [FromContext] gives it; the judgement before it is early
	// advice only.
	GateNone
)

// Config is what [New] takes. The zero value is ready to use: it asks the
// wrapped handler for validators and keeps the gate in memory, which is right
// for one server.
type Config struct {
	// Current returns the state of the resource that a request is about: from
	// a version column, say. Nil: the wrapped handler is asked with a GET.
	//
	// Given, reads are judged by it too, before the handler runs, and an
	// answer to GET that has no ETag of its own gets this one, so it is called
	// once for each GET. A 304 then has the fields that are set outside of the
	// layer and no others, so CORS and Vary belong there.
	//
	// An error refuses a write, and a read with If-Match: with the problem if
	// it is a [problem.Problem], else with 503. It is called concurrently, and
	// before the handler: it must not show what the caller may not see.
	Current func(*http.Request) (State, error)

	// Resource returns the key of the resource that a request is about. Nil:
	// the normalised path. Requests about one resource must get one key,
	// however they spell it; resources that share a key wait for each other.
	Resource func(*http.Request) string

	// Require says which writes must carry a precondition: If-Match, or
	// If-None-Match: *, else they are answered 428 (RFC 6585 section 3). Safe
	// methods are never asked. Nil: none must.
	Require func(*http.Request) bool

	// AllowDates lets If-Unmodified-Since satisfy Require too. A date cannot
	// tell two versions of the same second apart.
	AllowDates bool

	// Store holds the gate. Nil: a memory store of this layer's own, which
	// other servers do not see.
	Store store.Store

	// Namespace keeps applications on one store apart. Any bytes, also none.
	Namespace string

	// Hash makes tags of bodies. Nil: SHA-256, see [Of]. All servers behind
	// one address need the same.
	Hash Hasher

	// MaxBody is how many bytes of a request's body, and of an answer, are
	// held in memory. 0: 4 MiB.
	MaxBody int64

	// Weak makes the layer's own tags weak, for answers whose bytes change
	// without meaning. A weak tag never satisfies If-Match, so it is refused
	// together with Require.
	Weak bool

	// StaleStatus is the status of version-mismatch: 412 (RFC 9110 section
	// 15.5.13), or 409 for clients that expect it. 0: 412.
	StaleStatus int

	// Gate says which requests pass the gate. Zero: GateAll.
	Gate Gate

	// GateLease is how long the gate stays closed after the server that holds
	// it died. It is renewed while the handler runs. 0: 10 s.
	GateLease time.Duration

	// GateWait is how long a write waits at the gate before it is answered
	// 409 resource-busy. 0: 5 s; negative: not at all.
	GateWait time.Duration

	// MaxRun is how long a write may hold the gate. Past it the handler's
	// context is cancelled and the gate opens. 0: 1 min.
	MaxRun time.Duration

	// AcceptTransformed takes the tags back that compression in front of the
	// layer made of its own: W/"x", "x-gzip" and the like for "x".
	AcceptTransformed bool

	// TagAfterWrite asks for the new validator after a successful PUT, and
	// sends it if what is stored equals what was sent (RFC 9110 section
	// 9.3.4). It costs a GET of the wrapped handler.
	TagAfterWrite bool

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
	if c.Hash == nil {
		c.Hash = bySHA256{}
	}
	if c.MaxBody == 0 {
		c.MaxBody = DefaultMaxBody
	}
	if c.StaleStatus == 0 {
		c.StaleStatus = http.StatusPreconditionFailed
	}
	if c.GateLease == 0 {
		c.GateLease = DefaultGateLease
	}
	if c.GateWait == 0 {
		c.GateWait = DefaultGateWait
	}
	if c.MaxRun == 0 {
		c.MaxRun = DefaultMaxRun
	}
	return c
}
