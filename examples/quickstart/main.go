// Quickstart is a JSON API for documents and payments, on net/http alone and in
// memory, with Concord around it. From the root of the repository:
//
//	go run ./examples/quickstart
//
// It serves, sends itself requests that show what Concord does about each kind
// of conflict, and stays up for requests of your own: with a browser, from the
// page at http://127.0.0.1:8080/, or with curl. The handlers (in api.go and
// beside it) know next to nothing of Concord; server.go is where it is added.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/concordhttp/concord/examples/storeurl"
)

// shutdownTime is how long requests under way may take when the program ends.
const shutdownTime = 5 * time.Second

func main() {
	// The first signal has the program end well. By the time that run knows of
	// it, signals do again what they do by default: a second one ends it at once.
	signalled, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, end := context.WithCancel(context.Background())
	context.AfterFunc(signalled, func() {
		stop()
		end()
	})
	status := run(ctx, os.Args[1:], scenarios, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// run is the program: it returns its exit status, 0 or, if anything is not as
// it should be, 1; 2 for flags that it cannot read.
func run(ctx context.Context, args []string, scenarios []scenario, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "127.0.0.1:8080", "`address` to listen on; port 0 is any free port")
	tour := flags.Bool("tour", true, "send the requests of each scenario and print what happens")
	serve := flags.Bool("serve", true, "stay up after the tour")
	events := flags.Bool("log", false, "log what each layer of Concord decides")
	url := flags.String("store", "memory", "where keys, gates and locks are kept: "+storeurl.Forms)
	respond := flags.String("respond", "json", "what problems look like: json, negotiate or stripe")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "quickstart: what is %q? There are only flags; see -help.\n", flags.Arg(0))
		return 2
	}
	form, ok := forms[*respond]
	if !ok {
		fmt.Fprintf(stderr, "quickstart: -respond %q? It is json, negotiate or stripe.\n", *respond)
		return 2
	}

	records, err := keep(ctx, *url, *tour)
	if err != nil {
		fmt.Fprintf(stderr, "quickstart: %v\n", err)
		return 1
	}
	defer func() { _ = records.close() }() // all that could be lost is the time to say so

	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *addr)
	if err != nil {
		fmt.Fprintf(stderr, "quickstart: %v\nChoose another address, for instance -addr 127.0.0.1:0 for any free port.\n", err)
		return 1
	}
	if err := show(ctx, listener, parts{scenarios, records, form, *events, *tour, *serve}, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "quickstart: %v\n", err)
		return 1
	}
	return 0
}

// parts are what the program is to do, and with what.
type parts struct {
	scenarios           []scenario
	kept                kept
	form                form
	events, tour, serve bool
}

// show serves on listener while it gives the tour, and then, if it is to stay
// up, until ctx ends. It returns when the server has shut down.
func show(ctx context.Context, listener net.Listener, p parts, stdout, stderr io.Writer) (err error) {
	server, stack, err := newServer(slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelDebug})), p.kept, p.form, p.events)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	served := make(chan error, 1)
	go func() {
		served <- server.Serve(listener)
		close(served)
	}()
	defer func() {
		err = errors.Join(err, shutDown(ctx, server))
		if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
			err = errors.Join(err, ended)
		}
		err = errors.Join(err, stack.Close(ctx)) // when no request runs any more
	}()

	base := "http://" + reachable(listener.Addr())
	if p.tour {
		if err := giveTour(ctx, base, slices.Concat(p.scenarios, []scenario{p.form.shown}), stdout); err != nil {
			return err
		}
	}
	if p.serve {
		if _, err := fmt.Fprintf(stdout, "\nServing on %s until you press Ctrl-C.\n\nOpen %s/ in a browser, in two tabs. Or try:\n\n  curl -i %s/documents\n", base, base, base); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			_, err := fmt.Fprintf(stdout, "\nStopping. Requests under way have %v; press Ctrl-C again to end at once.\n", shutdownTime)
			return err
		case err := <-served:
			return err
		}
	}
	return nil
}

// shutDown ends server once the requests under way are answered, though ctx has
// ended. Those that take longer than shutdownTime are cut off, which is an error.
func shutDown(ctx context.Context, server *http.Server) error {
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	err := server.Shutdown(within)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("requests that were still under way %v after the program was told to stop were cut off", shutdownTime)
		return errors.Join(err, server.Close())
	}
	return err
}

// reachable returns the host and port at which this machine reaches addr: one
// that listens everywhere is asked on the loopback interface.
func reachable(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() {
		return (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: tcp.Port}).String()
	}
	return addr.String()
}
