package idempotency

import (
	"net/http"
	"time"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store"
)

// Defaults of [Config].
const (
	DefaultHeader          = "Idempotency-Key"
	DefaultReplayField     = "Idempotency-Replayed"
	DefaultTTL             = 24 * time.Hour
	DefaultLease           = 30 * time.Second
	DefaultMaxRun          = 5 * time.Minute
	DefaultMaxWaiters      = 1024
	DefaultMaxUnknown      = 10_000
	DefaultMaxRequestBody  = 4 << 20
	DefaultMaxResponseBody = 1 << 20
)

// UnknownPolicy says what becomes of a key whose request ran, or may have run,
// without an outcome that anybody knows.
type UnknownPolicy uint8

// The policies.
const (
	// Refuse, the zero value: the request is not run again. Its key is
	// answered 409 outcome-unknown until an operator settles it with
	// [Layer.Resolve], or its record expires. At most one run within the TTL.
	Refuse UnknownPolicy = iota
	// Rerun: the request is run again once its owner's lease is over. The
	// handler must bear that: two runs never overlap if it stops when its
	// context ends, but the first may have had its effects.
	Rerun
)

// Disposition says what becomes of a key when its request has been answered.
type Disposition uint8

// The dispositions.
const (
	// Keep: the answer is the outcome, and is replayed.
	Keep Disposition = iota
	// Free: nothing was done. The key can be used again.
	Free
	// Unknown: the answer does not tell what was done.
	Unknown
)

// Config is what [New] takes. Zero fields have the stated defaults; Principal is
// required. Durations, sizes and counts may not be negative unless it says so.
type Config struct {
	// Store keeps claims and outcomes. Nil: a memory store of this layer's
	// own, which other servers do not see and a restart forgets.
	Store store.Store

	// Namespace keeps applications on one store apart. Any bytes, also none.
	Namespace string

	// Principal tells whom a request acts for: a key is its principal's alone.
	// Required. An error, or an empty principal, refuses the request with 500
	// principal-unknown. It is called concurrently.
	Principal middleware.Principal

	// Methods that the layer is concerned with. Nil: POST, PUT, PATCH, DELETE.
	// Safe methods are refused: repeating them is harmless as it is. So are LOCK
	// and UNLOCK: what was answered first says nothing of the lock that stands now.
	Methods []string

	// Require says which requests must carry a key, else they are answered
	// 400. It is asked for Methods alone. Nil: none must.
	Require func(*http.Request) bool

	// Header is the name of the field. "": Idempotency-Key.
	Header string

	// Strict accepts keys as structured-field strings alone ("…" with its
	// quotes, RFC 9651 section 3.3.3). Otherwise a bare key means the same as
	// the quoted one.
	Strict bool

	// TTL is how long a claim and its outcome are kept. At least Lease and a
	// tenth more. Default 24 h.
	TTL time.Duration

	// Lease is how long after its last sign of life a server counts as dead.
	// It is renewed while the handler runs, unless Transactional: then it is
	// how long a request may take. Default 30 s.
	Lease time.Duration

	// MaxRun is how long a handler may run: past it its context ends and its
	// claim is no longer renewed. Default 5 min.
	MaxRun time.Duration

	// Wait is how long a duplicate waits for the outcome of a request in
	// flight before it is answered 409. 0: not at all.
	Wait time.Duration

	// MaxWaiters is how many duplicates wait at once; more are answered at
	// once. Default 1024.
	MaxWaiters int

	// Unknown says what becomes of a key whose outcome is not known. It has no
	// effect on transactions, which can always be run again. Zero: Refuse.
	Unknown UnknownPolicy

	// MaxUnknown is how many unknown outcomes of this process are kept for the
	// whole TTL. When there are more, the oldest of them is forgotten and its
	// key is free, so that a handler that panics at every request cannot fill
	// the store until all requests are refused: an event says which. Negative:
	// none is ever forgotten. Default 10,000.
	MaxUnknown int

	// Keep says what becomes of a key when the handler has answered with this
	// status and these fields, which it must not change. Nil: see
	// [DefaultKeep]. It is not asked about panics, hijacked connections,
	// [Attempt.Free] and what Concord refused before the handler ran.
	Keep func(status int, h http.Header) Disposition

	// MaxRequestBody is how many bytes of a request are read into memory; a larger
	// one is answered 413. Default 4 MiB.
	MaxRequestBody int64

	// MaxResponseBody is how many bytes of an answer are kept. A larger one is
	// delivered, and a duplicate is then told that it is gone; but in a
	// transaction it is rolled back. Default 1 MiB.
	MaxResponseBody int64

	// Fingerprint returns what stands for the content of a request, where two
	// spellings of it mean the same: a canonical form of JSON, say. Nil:
	// Content-Type and body, byte for byte; of a multipart body its parts.
	// Method, host, path and query always count. The body must not be changed
	// or kept. It is called concurrently.
	Fingerprint func(r *http.Request, body []byte) []byte

	// ReplayField is set to "true" on replays. "": Idempotency-Replayed.
	ReplayField string

	// Authorize is asked before each replay whether the caller may (still) see
	// the outcome. An error is answered with the problem that it is or wraps,
	// else with 403. Nil: whoever the Principal says it is, may.
	Authorize func(*http.Request) error

	// Seal encrypts what is stored: the first does, all decrypt, so that keys
	// can be rotated. With any, records that are not sealed are refused. Nil:
	// answers are stored as they were.
	Seal []Sealer

	// Transactional commits the outcome inside the handler's own transaction;
	// see [Layer.Run]. Store must be a [store.Beginner]. Requests with a key are
	// answered 500 unless Run is around a handler.
	Transactional bool

	// DangerouslyFailOpen runs the handler without a claim when the store does
	// not answer: repeated requests then run again. Corrupt records, and a
	// store that is full, are refused all the same.
	DangerouslyFailOpen bool

	// Respond writes problems. Nil: [problem.JSON].
	Respond problem.Responder

	// Observer is told of each decision. Nil: nobody is.
	Observer middleware.Observer
}

// complete returns c with its defaults, sharing no slice with it.
func (c Config) complete() Config {
	c.Methods = append([]string(nil), c.Methods...)
	if len(c.Methods) == 0 {
		c.Methods = []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	}
	c.Seal = append([]Sealer(nil), c.Seal...)
	c.Header = http.CanonicalHeaderKey(orDefault(c.Header, DefaultHeader))
	c.ReplayField = http.CanonicalHeaderKey(orDefault(c.ReplayField, DefaultReplayField))
	c.TTL = orDefault(c.TTL, DefaultTTL)
	c.Lease = orDefault(c.Lease, DefaultLease)
	c.MaxRun = orDefault(c.MaxRun, DefaultMaxRun)
	c.MaxWaiters = orDefault(c.MaxWaiters, DefaultMaxWaiters)
	c.MaxUnknown = orDefault(c.MaxUnknown, DefaultMaxUnknown)
	c.MaxRequestBody = orDefault(c.MaxRequestBody, DefaultMaxRequestBody)
	c.MaxResponseBody = orDefault(c.MaxResponseBody, DefaultMaxResponseBody)
	if c.Keep == nil {
		c.Keep = DefaultKeep
	}
	if c.Respond == nil {
		c.Respond = problem.JSON
	}
	return c
}

func orDefault[T comparable](value, standard T) T {
	var zero T
	if value == zero {
		return standard
	}
	return value
}
