package linearize

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/concordhttp/concord/store"
)

// Check fails t unless the history that random concurrent clients leave on s is
// linearizable. It uses the keys "linearize 0" and so on, with whatever stands
// there already. An error of the store fails t too, since the model has no
// place for a step of which nobody knows whether it happened.
func Check(t *testing.T, s store.Store, o Options) {
	t.Helper()
	o = o.withDefaults()
	t.Logf("CONCORD_SEED=%d, %d operations", o.Seed, o.Operations)
	if err := check(t.Context(), s, o); err != nil {
		t.Error(err)
	}
}

// errNotLinearizable: no order of the steps explains the replies.
var errNotLinearizable = errors.New("not linearizable")

// check takes o.Operations steps, chunk by chunk. Each chunk ends with a look at
// every key while nobody writes: these are part of its history, and say where
// the next begins.
func check(ctx context.Context, s store.Store, o Options) error {
	clients := newClients(s, o)
	before := make([]register, o.Keys)
	looks, err := lookAround(ctx, clients[0])
	if err != nil {
		return err
	}
	for done := 0; done < o.Operations; done += o.Chunk {
		start := states(before, looks)
		history, err := record(ctx, clients, min(o.Chunk, o.Operations-done))
		if err != nil {
			return fmt.Errorf("operations %d and on: %w", done, err)
		}
		if looks, err = lookAround(ctx, clients[0]); err != nil {
			return err
		}
		history = append(history, looks...)
		if err := judge(start, history, o); err != nil {
			return fmt.Errorf("operations %d and on: %w", done, err)
		}
		before = states(start, history)
	}
	return nil
}

// lookAround gets each key.
func lookAround(ctx context.Context, c *client) (looks []porcupine.Operation, err error) {
	for key := range c.keys {
		look, err := c.take(ctx, &call{kind: get, key: key})
		if err != nil {
			return nil, err
		}
		looks = append(looks, look)
	}
	return looks, nil
}

// states returns the state of each key after a history that ends with a look at
// it. Of the states before it keeps the greatest version, for the record that
// had it may be gone.
func states(before []register, history []porcupine.Operation) []register {
	after := slices.Clone(before)
	for _, op := range history {
		state, got := &after[as[*call](op.Input).key], as[*reply](op.Output)
		state.version, state.nonce = got.version, got.nonce
		state.last = max(state.last, got.version)
	}
	return after
}

// record lets the clients take n steps together, and returns their history.
func record(ctx context.Context, clients []*client, n int) ([]porcupine.Operation, error) {
	histories := make([][]porcupine.Operation, len(clients))
	errs := make([]error, len(clients))
	var running sync.WaitGroup
	for i, c := range clients {
		share := n / len(clients)
		if i < n%len(clients) {
			share++
		}
		running.Go(func() { histories[i], errs[i] = c.run(ctx, share) })
	}
	running.Wait()
	return slices.Concat(histories...), errors.Join(errs...)
}

// judge looks for an order of a history that begins with the given states.
func judge(start []register, history []porcupine.Operation, o Options) error {
	for key, state := range start {
		history = append(history, porcupine.Operation{
			ClientId: o.Clients, // nobody's
			Input:    &call{kind: begin, key: key, state: state},
			Output:   &reply{},
			Call:     -2, // before all others
			Return:   -1,
		})
	}
	m := model(o.Keys)
	switch porcupine.CheckOperationsTimeout(m, history, o.Patience) {
	case porcupine.Ok:
		return nil
	case porcupine.Unknown:
		return fmt.Errorf("no verdict on a chunk of %d operations within %v", o.Chunk, o.Patience)
	default:
		return fmt.Errorf("%w:%s", errNotLinearizable, explain(m, history, o))
	}
}

// explain says for each key whose history has no order how far one could be
// found, and what could not come next.
func explain(m porcupine.Model, history []porcupine.Operation, o Options) string {
	var text strings.Builder
	for key, ops := range m.Partition(history) {
		result, info := porcupine.CheckOperationsVerbose(m, ops, o.Patience)
		if result == porcupine.Ok {
			continue
		}
		ordered := longest(info)
		fmt.Fprintf(&text, "\nkey %d: %d of %d operations can be ordered, the last of them", key, len(ordered), len(ops))
		tell(&text, m, ordered[max(0, len(ordered)-4):])
		fmt.Fprintf(&text, "\n  and none of these can come next")
		tell(&text, m, stuck(ops, ordered))
	}
	return text.String()
}

// longest returns the longest order that was found for a part of a history.
func longest(info porcupine.LinearizationInfo) (ordered []porcupine.Operation) {
	for _, partition := range info.PartialLinearizationsOperations() {
		for _, order := range partition {
			if len(order) > len(ordered) {
				ordered = order
			}
		}
	}
	return ordered
}

// stuck returns the operations that are not in the order and were called before
// any of them was answered: one of them would have to come next.
func stuck(ops, ordered []porcupine.Operation) (next []porcupine.Operation) {
	placed := make(map[any]bool, len(ordered))
	for _, op := range ordered {
		placed[op.Input] = true
	}
	left := slices.DeleteFunc(slices.Clone(ops), func(op porcupine.Operation) bool { return placed[op.Input] })
	firstAnswer := int64(-1)
	for _, op := range left {
		if firstAnswer < 0 || op.Return < firstAnswer {
			firstAnswer = op.Return
		}
	}
	return slices.DeleteFunc(left, func(op porcupine.Operation) bool { return op.Call > firstAnswer })
}

func tell(text *strings.Builder, m porcupine.Model, ops []porcupine.Operation) {
	for _, op := range ops {
		fmt.Fprintf(text, "\n    client %d, %d to %d: %s", op.ClientId, op.Call, op.Return, m.DescribeOperation(op.Input, op.Output))
	}
}
