package lease_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/concordhttp/concord/store/lease"
	"github.com/concordhttp/concord/store/memory"
)

// Writers of one resource pass a gate, one at a time. What is nested inside
// uses the lease as its context, and so does not wait for itself.
func ExampleGate_Enter() {
	gate, err := lease.NewGate(lease.GateConfig{Store: memory.New(memory.Config{}), Wait: -1})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()

	inside, err := gate.Enter(ctx, "/documents/1")
	fmt.Println("first:", err)
	_, err = gate.Enter(ctx, "/documents/1")
	fmt.Println("second:", errors.Is(err, lease.ErrBusy))

	nested, err := gate.Enter(inside, "/documents/1")
	fmt.Println("nested:", err, nested.Token() == inside.Token())
	fmt.Println("nested leaves:", nested.Release(ctx))

	fmt.Println("first leaves:", inside.Release(ctx))
	// Output:
	// first: <nil>
	// second: true
	// nested: <nil> true
	// nested leaves: <nil>
	// first leaves: <nil>
}

// The trap: what is nested gets the context from outside, which says nothing of
// the lease, and waits for its own caller until it gives up.
func ExampleGate_Enter_incorrect() {
	gate, err := lease.NewGate(lease.GateConfig{Store: memory.New(memory.Config{}), Wait: time.Millisecond})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	inside, err := gate.Enter(ctx, "/documents/1")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = gate.Enter(ctx, "/documents/1") // must be gate.Enter(inside, …)
	fmt.Println(err)
	fmt.Println(inside.Release(ctx))
	// Output:
	// lease: busy: held by another
	// <nil>
}

// A claim and its outcome are one record: whoever comes later finds the one or
// the other, never nothing.
func ExampleLease_Settle() {
	keeper, err := lease.New(lease.Config{Store: memory.New(memory.Config{})})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	claim := lease.Claim{Note: []byte("charge 10 EUR"), TTL: 24 * time.Hour}

	owner, _, err := keeper.Try(ctx, "order 7", claim)
	fmt.Println("owner:", owner != nil, err)

	again, standing, err := keeper.Try(ctx, "order 7", claim)
	fmt.Printf("duplicate: %v, %q, in flight: %v, %v\n", again != nil, standing.Note, standing.Held, err)

	_, err = owner.Settle(ctx, []byte("charged"), []byte("receipt 12"), 24*time.Hour)
	fmt.Println("settled:", err)

	_, standing, err = keeper.Try(ctx, "order 7", claim)
	fmt.Printf("duplicate: %q, %q, in flight: %v, %v\n", standing.Note, standing.Record.Body, standing.Held, err)
	// Output:
	// owner: true <nil>
	// duplicate: false, "charge 10 EUR", in flight: true, <nil>
	// settled: <nil>
	// duplicate: "charged", "receipt 12", in flight: false, <nil>
}

// A lease is a context that tells why it ended.
func ExampleLease() {
	keeper, err := lease.New(lease.Config{Store: memory.New(memory.Config{}), MaxRun: 50 * time.Millisecond})
	if err != nil {
		fmt.Println(err)
		return
	}
	l, err := keeper.Acquire(context.Background(), "key", lease.Claim{})
	if err != nil {
		fmt.Println(err)
		return
	}
	<-l.Done() // work that never ends
	fmt.Println(l.Err())
	fmt.Println(context.Cause(l))
	fmt.Println(errors.Is(context.Cause(l), lease.ErrLost))
	fmt.Println(l.Release(context.Background()))
	// Output:
	// context canceled
	// lease: lost: held for longer than MaxRun
	// true
	// lease: lost: held for longer than MaxRun
}

// An orphan is taken over by whoever is first to replace exactly what was seen.
func ExampleKeeper_Takeover() {
	keeper, err := lease.New(lease.Config{Store: memory.New(memory.Config{}), Lease: 100 * time.Millisecond, MaxRun: 50 * time.Millisecond})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	claim := lease.Claim{TTL: 24 * time.Hour}
	if _, _, err := keeper.Try(ctx, "key", claim); err != nil { // and dies
		fmt.Println(err)
		return
	}
	claim.Wait = time.Minute
	_, err = keeper.Acquire(ctx, "key", claim)
	var busy *lease.BusyError
	fmt.Println(errors.As(err, &busy) && busy.Standing.Orphan)

	l, _, err := keeper.Takeover(ctx, "key", busy.Standing, claim)
	fmt.Println(l != nil, err)
	late, _, err := keeper.Takeover(ctx, "key", busy.Standing, claim)
	fmt.Println(late != nil, err)
	// Output:
	// true
	// true <nil>
	// false <nil>
}
