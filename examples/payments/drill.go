package main

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// drill starts servers, has customers pay, and kills one server after another.
type drill struct {
	servers, kills, customers int
	seed                      uint64
}

func (d *drill) flags(flags *flag.FlagSet) {
	flags.IntVar(&d.servers, "servers", 3, "with -drill, how many servers there are")
	flags.IntVar(&d.kills, "kills", 20, "with -drill, how often one of them is killed")
	flags.IntVar(&d.customers, "customers", 8, "with -drill, how many customers pay at once")
	flags.Uint64Var(&d.seed, "seed", 0, "with -drill, what decides who is killed and what is sent; 0: any")
}

// orderTime is how long a customer asks for an answer before the drill fails.
const orderTime = time.Minute

// run returns an error if a charge is missing, or is one too many.
func (d drill) run(ctx context.Context, o options, stdout io.Writer) error {
	if d.seed == 0 {
		d.seed = mathrand.Uint64() //nolint:gosec // a seed to be printed
	}
	fmt.Fprintf(stdout, "%d servers on one store, mode %s, a lease of %v; seed %d\n", d.servers, o.mode, o.lease, d.seed)
	shop := &shop{id: rand.Text()[:8]}
	defer shop.close()
	for range d.servers {
		s, err := startServer(ctx, o)
		if err != nil {
			return err
		}
		shop.servers = append(shop.servers, s)
	}
	if err := d.killAll(ctx, shop); err != nil {
		return err
	}
	charged, err := shop.charges(ctx)
	if err != nil {
		return err
	}
	return shop.judge(charged, o.mode, d.kills, stdout)
}

// killAll kills while customers pay, and returns when each of them has a
// definite answer to what it has sent.
func (d drill) killAll(ctx context.Context, shop *shop) error {
	var closing atomic.Bool
	failed := make(chan error, d.customers)
	var all sync.WaitGroup
	for n := range d.customers {
		c := &customer{shop: shop, rng: drawing(d.seed, n+1)}
		all.Go(func() {
			for !closing.Load() {
				if err := c.pay(ctx); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	rng := drawing(d.seed, 0)
	var err error
	for n := 0; n < d.kills && err == nil; n++ {
		select {
		case err = <-failed:
		case <-ctx.Done():
			err = ctx.Err()
		case <-time.After(time.Duration(20+rng.IntN(120)) * time.Millisecond):
			err = shop.servers[rng.IntN(len(shop.servers))].killAndStart(ctx)
		}
	}
	closing.Store(true)
	all.Wait()
	close(failed)
	if err == nil {
		err = <-failed
	}
	return err
}

// drawing returns the lots of the nth who draws.
func drawing(seed uint64, n int) *mathrand.Rand {
	return mathrand.New(mathrand.NewPCG(seed, uint64(n))) //nolint:gosec // the same seed draws the same again
}

// shop is what the customers know.
type shop struct {
	id      string // of this drill, in all of its orders: the ledger may have others
	servers []*server
	orders  atomic.Int64

	// forgetful is a shop whose store can be away for so long that the outcome
	// of an order is not recorded. Who ran it is then told the outcome, and
	// everybody else that it is unknown.
	forgetful bool

	mu      sync.Mutex
	answers map[string]outcome // by reference
	replays int
	resent  int
}

func (s *shop) close() {
	for _, one := range s.servers {
		one.kill()
	}
}

// programOf is what the servers run: this program.
func programOf() (string, error) { return os.Executable() }
