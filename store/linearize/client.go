package linearize

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/concordhttp/concord/store"
)

// timeToLive outlasts every check, since the model knows nothing of expiry.
const timeToLive = 24 * time.Hour

// client takes random steps, one after another.
type client struct {
	store store.Store
	keys  int
	id    int
	lots  *rand.Rand
	clock *atomic.Int64  // orders the calls and replies of all clients
	nonce *atomic.Uint64 // the last that any client wrote
	known []uint64       // the version of each key that this client saw last
}

// newClients returns clients whose lots are drawn from the seed.
func newClients(s store.Store, o Options) []*client {
	var clock atomic.Int64
	var nonce atomic.Uint64
	clients := make([]*client, o.Clients)
	for id := range clients {
		clients[id] = &client{
			store: s,
			keys:  o.Keys,
			id:    id,
			lots:  rand.New(rand.NewPCG(o.Seed, uint64(id))), //nolint:gosec // G404: it has to be predictable
			clock: &clock,
			nonce: &nonce,
			known: make([]uint64, o.Keys),
		}
	}
	return clients
}

// run takes n steps and returns their history.
func (c *client) run(ctx context.Context, n int) ([]porcupine.Operation, error) {
	history := make([]porcupine.Operation, 0, n)
	for range n {
		op, err := c.take(ctx, c.choose())
		if err != nil {
			return nil, err
		}
		history = append(history, op)
	}
	return history, nil
}

// choose draws the next step. Create and Delete are even, so that keys are as
// often absent as not; a Replace or Delete names the version that this client
// saw last, which others may have replaced since, and now and then another.
func (c *client) choose() *call {
	next := &call{key: c.lots.IntN(c.keys), nonce: c.nonce.Add(1)}
	next.version = c.known[next.key]
	if c.lots.IntN(16) == 0 {
		next.version += uint64(c.lots.IntN(3)) - 1
	}
	switch lot := c.lots.IntN(10); {
	case lot < 2:
		next.kind = get
	case lot < 5:
		next.kind = create
	case lot < 8:
		next.kind = replace
	default:
		next.kind = remove
	}
	return next
}

// take takes a step and writes down when it was called and answered. Between
// either and the step itself others may get the processor, or a store that
// answers at once would hardly ever be called by two at a time.
func (c *client) take(ctx context.Context, next *call) (porcupine.Operation, error) {
	called := c.clock.Add(1)
	c.dawdle()
	got, err := step(ctx, c.store, next)
	c.dawdle()
	answered := c.clock.Add(1)
	if err != nil {
		return porcupine.Operation{}, fmt.Errorf("client %d, %s of key %d: %w", c.id, next.kind, next.key, err)
	}
	c.known[next.key] = got.version
	return porcupine.Operation{ClientId: c.id, Input: next, Output: got, Call: called, Return: answered}, nil
}

func (c *client) dawdle() {
	if c.lots.IntN(4) == 0 {
		runtime.Gosched()
	}
}

// step asks the store.
func step(ctx context.Context, s store.Store, c *call) (*reply, error) {
	var r store.Record
	var ok bool
	var err error
	key := "linearize " + strconv.Itoa(c.key)
	switch c.kind {
	case get:
		r, ok, err = s.Get(ctx, key)
	case create:
		r, ok, err = s.Create(ctx, key, written(c.nonce))
	case replace:
		r, ok, err = s.Replace(ctx, key, c.version, written(c.nonce))
	default:
		ok, err = s.Delete(ctx, key, c.version)
	}
	if err != nil {
		return nil, err
	}
	return read(r, ok)
}

// written is the record that carries a nonce, in the head and in the body, so
// that one that is torn is found out.
func written(nonce uint64) store.Record {
	head := binary.BigEndian.AppendUint64(nil, nonce)
	return store.Record{Head: head, Body: head, TTL: timeToLive}
}

// read is the reply that a record carries.
func read(r store.Record, ok bool) (*reply, error) {
	if r.Version == 0 {
		return &reply{ok: ok}, nil
	}
	if len(r.Head) != 8 || !r.Dropped && !bytes.Equal(r.Head, r.Body) {
		return nil, fmt.Errorf("a record of version %d with head %x and body %x, which nobody wrote", r.Version, r.Head, r.Body)
	}
	return &reply{ok: ok, version: r.Version, nonce: binary.BigEndian.Uint64(r.Head)}, nil
}
