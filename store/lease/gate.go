package lease

import (
	"context"
	"errors"
	"hash/maphash"
	"reflect"
	"time"

	"github.com/concordhttp/concord/store"
)

// Defaults of [GateConfig].
const (
	DefaultGateLease  = 10 * time.Second
	DefaultGateWait   = 5 * time.Second
	DefaultGateMaxRun = time.Minute
)

// GateConfig configures a [Gate]. Zero fields have the stated defaults; Store
// is required. Lease, Margin, MaxRun, MaxWaiters, CallTimeout, PollMin and
// PollMax are as in [Config].
type GateConfig struct {
	// Store keeps the records. Gates on one store with one namespace exclude
	// each other, also between servers. Its dynamic type must be comparable,
	// as a pointer is, so that a gate can tell if a context holds it already.
	Store store.Store
	// Namespace keeps apart the resources of programs that share a store. Any
	// bytes, also none.
	Namespace string
	// Wait is how long Enter waits for another to leave. Default 5 s;
	// negative: not at all.
	Wait time.Duration

	Lease            time.Duration // default 10 s
	Margin           time.Duration // default a tenth of Lease
	MaxRun           time.Duration // default 1 min
	MaxWaiters       int           // default 1024
	CallTimeout      time.Duration // default 5 s
	PollMin, PollMax time.Duration // defaults 5 ms and 250 ms
}

// Gate is mutual exclusion per resource: of all who enter it for one, one at a
// time is inside, among all servers on one store. It is safe for concurrent use
// and needs no closing. Make one with [NewGate].
type Gate struct {
	keeper *Keeper
	prefix []byte // of what is digested into a key
	keys   *keyCache
	wait   time.Duration
}

// NewGate returns a Gate, or every mistake in config at once, each a
// *store.ConfigError.
func NewGate(config GateConfig) (*Gate, error) {
	keeper, err := New(Config{
		Store:       config.Store,
		Lease:       orDefault(config.Lease, DefaultGateLease),
		Margin:      config.Margin,
		MaxRun:      orDefault(config.MaxRun, DefaultGateMaxRun),
		MaxWaiters:  config.MaxWaiters,
		CallTimeout: config.CallTimeout,
		PollMin:     config.PollMin,
		PollMax:     config.PollMax,
	})
	if config.Store != nil && !reflect.ValueOf(config.Store).Comparable() {
		err = errors.Join(err, &store.ConfigError{
			Field: "Store", Value: reflect.TypeOf(config.Store).String(), Reason: "must be of a comparable type, such as a pointer",
		})
	}
	if err != nil {
		return nil, err
	}
	return &Gate{
		keeper: keeper,
		prefix: gatePrefix(config.Namespace),
		keys:   &keyCache{seed: maphash.MakeSeed()},
		wait:   orDefault(config.Wait, DefaultGateWait),
	}, nil
}

// Enter waits until nobody else is inside for resource, and enters. The caller
// works with the returned Lease as its context, which carries the fencing
// token, and leaves with Release. It returns at once with a borrowed Lease, of
// the same token, if ctx descends from one that is inside already, through any
// gate of the same store and namespace; releasing that does not leave. If ctx
// descends from a lease of the same store that is Fixed, so is the one that is
// returned: it is not renewed, and ends with it, or after MaxRun. One that is
// borrowed from outside of that lease is renewed as ever.
//
// Errors are those of [Keeper.Acquire]: a *[BusyError] when Wait is over or too
// many wait; the error of ctx; [ErrCorrupt]; or a failure of the store. After
// any of them the caller is not inside.
func (g *Gate) Enter(ctx context.Context, resource string) (*Lease, error) {
	return g.EnterIn(ctx, resource, nil)
}

// EnterIn is [Gate.Enter] for callers that have room for a Lease in a struct of
// their own, to save an allocation. The room must be zero, and must not be used
// again, whether or not the Lease that is returned is in it. A nil room is none.
func (g *Gate) EnterIn(ctx context.Context, resource string, room *Lease) (*Lease, error) {
	if ctx.Err() != nil {
		return nil, ended(ctx)
	}
	key := g.keys.of(g.prefix, resource)
	if owner := holding(ctx, g.keeper.config.Store, key); owner != nil {
		return borrow(ctx, owner), nil
	}
	return g.keeper.Acquire(ctx, key, g.claim(ctx, room))
}

// claim is what the gate asks for. Inside of a Fixed lease in the same store
// work may be done in a transaction, with which a renewal would fight as much
// as one of that lease: so the gate is not renewed either, and held for as long.
func (g *Gate) claim(ctx context.Context, room *Lease) Claim {
	c := Claim{Wait: g.wait, Room: room}
	if outer := fixedIn(ctx, g.keeper.config.Store); outer != nil {
		c.Fixed, c.until = true, outer.keeper.clock.time(outer.term.ends)
	}
	return c
}
