package concord

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/collapse"
	"github.com/concordhttp/concord/middleware/lock"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/memory"
)

// Stack is all layers in the one right order. It is safe for concurrent use.
// Make one with [New].
type Stack struct {
	config Config // as it was given, but for the Store
	own    *memory.Store
	layers []middleware.Middleware // the outermost first
	once   *idempotency.Layer
	lock   *lock.Layer
	reads  *collapse.Layer
	past   func(layers, next http.Handler) *shortcut // what makes the shortcut past layers
}

// New returns a Stack with a copy of c. Every mistake in c and in what is nested
// in it is reported at once, each as a [*store.ConfigError].
func New(c Config) (*Stack, error) {
	return build(c, nil)
}

// build makes a Stack that shares its runs with another one, unless that is nil.
func build(c Config, shared *collapse.Layer) (*Stack, error) {
	c = c.clone()
	mistakes := c.validate()
	s := &Stack{}
	if c.Store == nil {
		s.own = memory.New(memory.Config{})
		c.Store = s.own
	}
	s.config = c
	b := builder{c: c.inherit(), s: s, shared: shared}
	b.build()
	if err := errors.Join(append(b.mistakes, mistakes)...); err != nil {
		return nil, err
	}
	return s, nil
}

// Handler protects next, which is usually a whole router. Called twice it makes
// two handlers, which share the gate, the locks and what is recorded.
func (s *Stack) Handler(next http.Handler) http.Handler {
	return s.past(middleware.Chain(s.layers...)(next), next)
}

// HandlerFunc makes a handler of a function that either answers or returns an
// error, which is then answered with Config.Respond: as the problem that
// [problem.From] finds in it, or as one that says nothing but that something
// went wrong. Of the latter, and of every other status from 500 on, the observer
// is told the cause. It does not protect: the handler belongs on a router that
// [Stack.Handler] is around.
func (s *Stack) HandlerFunc(f func(http.ResponseWriter, *http.Request) error) http.Handler {
	return problem.Responder(s.respond).HandlerFunc(f)
}

// respond answers with the problem of a handler. What clients are not told of a
// failure would else be known to nobody.
func (s *Stack) respond(w http.ResponseWriter, r *http.Request, p *problem.Problem) {
	answer := s.config.Respond
	if answer == nil {
		answer = problem.JSON
	}
	answer(w, r, p)
	if whole := (problem.Renderer{}).Complete(p); s.config.Observer != nil && whole.Status >= http.StatusInternalServerError {
		s.config.Observer.Observe(r.Context(), middleware.Event{
			Kind: middleware.EventFailed, Layer: "handler", Method: r.Method, Resource: s.resource(r),
			Problem: whole.Kind, Instance: whole.Instance, Status: whole.Status, Err: p.Err,
		})
	}
}

func (s *Stack) resource(r *http.Request) string {
	if s.config.Resource != nil {
		return s.config.Resource(r)
	}
	return middleware.NormalisedPath(r)
}

// With returns a Stack with other settings for some routes: change is given a
// copy of the Config to change. Whatever it does not change is shared: the
// store, and with it gate, locks and outcomes; and, as long as Resource stays
// the same, what is known of writes, so that one that goes through either Stack
// ends the sharing of the other's reads.
func (s *Stack) With(change func(*Config)) (*Stack, error) {
	c := s.config.clone()
	change(&c)
	return build(c, s.reads)
}

// Idempotency is the layer of idempotency keys, for operators: its Resolve settles
// a request of which nobody knows how it ended, and its Reference finds the key
// that a customer names. Nil if Config.Off has it. Handlers need nothing of it.
func (s *Stack) Idempotency() *idempotency.Layer { return s.once }

// Lock is the layer of edit locks, for servers with routes of their own for
// them; nil without Config.Lock.
func (s *Stack) Lock() *lock.Layer { return s.lock }

// Close gives back what the Stack holds: its own memory store, if it has one.
// Call it when no request runs any more, after [http.Server.Shutdown]; those
// that come later and need the store (keyed ones, and writes that pass the gate)
// are answered 503. A Stack that another one was made of with [Stack.With] must
// be closed last.
func (s *Stack) Close(context.Context) error {
	if s.own == nil {
		return nil
	}
	return s.own.Close()
}

// builder puts the layers together, the outermost first. Each arrow of this
// order stops a fault; see the package comment.
type builder struct {
	c        Config // with what it inherits
	s        *Stack
	shared   *collapse.Layer
	mistakes []error
}

func (b *builder) build() {
	once := b.idempotency()
	tags := b.etag()
	if once != nil {
		b.add(once.Claim)
	}
	if tags != nil {
		b.add(tags.Conditions)
	}
	b.addLock()
	b.addCollapse()
	if tags != nil {
		b.add(tags.Generate)
	}
	if once != nil && b.c.Idempotency.Transactional {
		b.add(once.Run)
	}
	b.s.once = once
	b.s.past = b.shortcut(once)
}

func (b *builder) add(m middleware.Middleware) { b.s.layers = append(b.s.layers, m) }

func (b *builder) failed(err error, field string) bool {
	if err == nil {
		return false
	}
	b.mistakes = append(b.mistakes, store.RenameFields(err, func(name string) string {
		_, own, _ := strings.Cut(name, ".Config.")
		return field + "." + own
	}))
	return true
}

func (b *builder) idempotency() *idempotency.Layer {
	if b.c.Off&LayerIdempotency != 0 {
		return nil
	}
	l, err := idempotency.New(b.c.Idempotency)
	if b.failed(err, "concord.Config.Idempotency") {
		return nil
	}
	return l
}

func (b *builder) etag() *etag.Layer {
	if b.c.Off&LayerETag != 0 {
		return nil
	}
	l, err := etag.New(b.c.ETag)
	if b.failed(err, "concord.Config.ETag") {
		return nil
	}
	return l
}

func (b *builder) addLock() {
	if b.c.Lock == nil {
		return
	}
	l, err := lock.New(*b.c.Lock)
	if b.failed(err, "concord.Config.Lock") {
		return
	}
	b.s.lock = l
	b.add(l.Handler)
}

// addCollapse puts the layer in also where it is off, to see the writes: they end
// the sharing of reads on Stacks that are made of this one, or that it is made of.
func (b *builder) addCollapse() {
	off := b.c.Off&LayerCollapse != 0
	c := b.c.Collapse
	if off {
		c = collapse.Config{Resource: c.Resource}
	}
	l, err := b.collapse(c)
	if b.failed(err, "concord.Config.Collapse") {
		return
	}
	b.s.reads = l
	if off {
		b.add(l.Writes)
	} else {
		b.add(l.Handler)
	}
}

func (b *builder) collapse(c collapse.Config) (*collapse.Layer, error) {
	if b.shared != nil {
		return b.shared.With(c)
	}
	return collapse.New(c)
}
