package main

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/concordhttp/concord/examples/storeurl"
)

// ledger is where charges are written down. It charges as often as it is asked.
type ledger interface {
	charge(context.Context, Order) (Payment, error)
	list(context.Context) ([]Payment, error)
}

// openLedger puts the charges where the records are, if that is a database, and
// into a file otherwise.
func openLedger(ctx context.Context, o options, opened *storeurl.Opened) (ledger, error) {
	switch {
	case opened.DB != nil:
		return openTable(ctx, opened)
	case o.mode == transactional:
		return nil, errors.New("-mode transactional wants a database; with this store there are refuse and rerun")
	}
	return fileLedger(o.ledger), nil
}

func newPayment(o Order) Payment { return Payment{rand.Text(), o} }
