// Payments charges each order once, whatever dies: the charge and the outcome of
// the request with its Idempotency-Key commit in one transaction of the
// database. From the root of the repository:
//
//	go run ./examples/payments
//	curl -i -u ann: 127.0.0.1:8080/payments -H 'Idempotency-Key: "1"' -d '{"amount":1250,"currency":"EUR"}'
//
// It keeps its data in payments.db, a SQLite file, or where -store says. Start it
// several times on one database, with other addresses, and they are one server.
//
// With -drill it does so itself, sends orders, kills its servers one after
// another, and counts the charges:
//
//	go run ./examples/payments -drill
//	go run ./examples/payments -drill -store postgres://127.0.0.1:5432/test
//	go run ./examples/payments -drill -store redis://127.0.0.1:6379 -mode refuse
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/concordhttp/concord/examples/storeurl"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// options are the flags.
type options struct {
	addr   string
	store  string
	mode   mode
	ledger string
	lease  time.Duration
	drill  drill
}

func (o *options) parse(args []string, stderr io.Writer) (isDrill bool, err error) {
	flags := flag.NewFlagSet("payments", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.addr, "addr", "127.0.0.1:8080", "`address` to listen on")
	flags.StringVar(&o.store, "store", "sqlite:payments.db", "where records are kept: "+storeurl.Forms)
	flags.TextVar(&o.mode, "mode", transactional, "what a retry gets after a crash: transactional, refuse or rerun")
	flags.StringVar(&o.ledger, "ledger", "payments.jsonl", "`file` for the charges, unless they are in a database")
	flags.DurationVar(&o.lease, "lease", 2*time.Second, "how long a server may be silent before it counts as dead")
	flags.BoolVar(&isDrill, "drill", false, "start servers, kill them again and again, and count the charges")
	o.drill.flags(flags)
	if err := flags.Parse(args); err != nil {
		return isDrill, err
	}
	if flags.NArg() > 0 {
		return isDrill, fmt.Errorf("what is %q? There are only flags; see -help", flags.Arg(0))
	}
	return isDrill, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	isDrill, err := o.parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err == nil && isDrill:
		err = o.drill.run(ctx, o, stdout)
	case err == nil:
		err = serve(ctx, o, stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, "payments:", err)
		return 1
	}
	return 0
}
