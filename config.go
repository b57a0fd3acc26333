package concord

import (
	"errors"
	"net/http"
	"reflect"
	"slices"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/collapse"
	"github.com/concordhttp/concord/middleware/lock"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store"
)

// Layers is a set of layers.
type Layers uint8

// The layers that can be left out. Edit locks are left out unless Config.Lock is
// set.
const (
	LayerETag Layers = 1 << iota
	LayerIdempotency
	LayerCollapse
)

// Config is what [New] takes. Principal is required; everything else has a
// default. What a nested Config leaves zero it inherits: Store, Namespace,
// Principal, Resource, Respond and Observer; and Lock from ETag what concerns
// the gate, which is one and the same: GateLease, GateWait, MaxRun, MaxBody.
type Config struct {
	// Store keeps claims, outcomes, locks and the gate. Nil: a memory store of
	// this Stack's own; two Stacks then share nothing, and a restart forgets.
	Store store.Store

	// Principal tells whom a request acts for. Required: without it one
	// caller could be given another's answer.
	Principal Principal

	// Namespace keeps applications on one store apart. Any bytes, also none.
	Namespace string

	// Resource returns the key of the resource that a request is about. Nil:
	// the normalised path.
	Resource func(*http.Request) string

	// Respond writes problems. Nil: [problem.JSON].
	Respond problem.Responder

	// Observer is told of each decision of each layer. Nil: nobody is.
	Observer middleware.Observer

	// Off leaves layers out. Zero: none.
	Off Layers

	// ETag is about versions: which writes must name one (Require), where the
	// current one comes from, how long a write waits for another.
	ETag etag.Config

	// Idempotency is about keys: which requests must carry one (Require), how
	// long it is known, what becomes of it when a server dies.
	Idempotency idempotency.Config

	// Collapse is about reads that share one run of the handler.
	Collapse collapse.Config

	// Lock turns edit locks on. Nil: there are none.
	Lock *lock.Config
}

// clone returns a copy of c that shares nothing with it that could be written to.
func (c Config) clone() Config {
	c.Idempotency.Methods = slices.Clone(c.Idempotency.Methods)
	c.Idempotency.Seal = slices.Clone(c.Idempotency.Seal)
	c.Collapse.Neutral = slices.Clone(c.Collapse.Neutral)
	if c.Lock != nil {
		l := *c.Lock
		c.Lock = &l
	}
	return c
}

// inherit returns c with what its nested configurations leave zero.
func (c Config) inherit() Config {
	inherit(&c.ETag.Store, c.Store)
	inherit(&c.Idempotency.Store, c.Store)
	inherit(&c.ETag.Namespace, c.Namespace)
	inherit(&c.Idempotency.Namespace, c.Namespace)
	inheritFunc(&c.Idempotency.Principal, c.Principal)
	inheritFunc(&c.Collapse.Principal, c.Principal)
	inheritFunc(&c.ETag.Resource, c.Resource)
	inheritFunc(&c.Collapse.Resource, c.Resource)
	inheritFunc(&c.ETag.Respond, c.Respond)
	inheritFunc(&c.Idempotency.Respond, c.Respond)
	inheritFunc(&c.Collapse.Respond, c.Respond)
	inherit(&c.ETag.Observer, c.Observer)
	inherit(&c.Idempotency.Observer, c.Observer)
	inherit(&c.Collapse.Observer, c.Observer)
	if c.Lock == nil {
		return c
	}
	l := *c.Lock // c's stays as it is, for Stacks that are made of this one
	inherit(&l.Store, c.Store)
	inherit(&l.Namespace, c.Namespace)
	inheritFunc(&l.Principal, c.Principal)
	inheritFunc(&l.Resource, c.Resource)
	inheritFunc(&l.Respond, c.Respond)
	inherit(&l.Observer, c.Observer)
	inherit(&l.GateLease, c.ETag.GateLease)
	inherit(&l.GateWait, c.ETag.GateWait)
	inherit(&l.MaxRun, c.ETag.MaxRun)
	inherit(&l.MaxBody, c.ETag.MaxBody)
	c.Lock = &l
	return c
}

func inherit[T comparable](field *T, outer T) {
	var zero T
	if *field == zero {
		*field = outer
	}
}

// function is what can be inherited and not be compared.
type function interface {
	~func(*http.Request) string | ~func(*http.Request) (string, error) |
		~func(http.ResponseWriter, *http.Request, *problem.Problem)
}

// inheritFunc is inherit for functions.
func inheritFunc[F function](field *F, outer F) {
	if *field == nil {
		*field = outer
	}
}

// validate reports the mistakes that are not those of a nested Config.
func (c *Config) validate() error {
	var mistakes []error
	wrong := func(field string, value any, reason string) {
		mistakes = append(mistakes, &store.ConfigError{Field: "concord.Config." + field, Value: value, Reason: reason})
	}
	if c.Principal == nil {
		wrong("Principal", nil, "is required: without it one caller could be given another's answer")
		c.Principal = middleware.DangerouslyShared // said once is enough: the nested ones need not say it again
	}
	if all := LayerETag | LayerIdempotency | LayerCollapse; c.Off&^all != 0 {
		wrong("Off", c.Off, "has layers that there are not")
	}
	if c.Off&LayerIdempotency != 0 && c.Idempotency.Transactional {
		wrong("Off", c.Off, "leaves out the layer that Idempotency.Transactional asks for")
	}
	if v := reflect.ValueOf(c.Store); c.Store != nil && v.Kind() == reflect.Pointer && v.IsNil() {
		wrong("Store", v.Type().String(), "is a nil pointer")
	}
	return errors.Join(mistakes...)
}
