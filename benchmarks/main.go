// Benchmarks puts Concord beside the bare handler and beside what fiber, huma and
// singleflight do for the same requests, and prints one table, in short first:
//
//	go run ./benchmarks
//
// README.md in this folder says how it is measured and how to read it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"time"
)

func main() {
	handlers := flag.Duration("handlers", time.Minute, "how long to measure the handlers by themselves, all together; 0: not at all")
	sockets := flag.Duration("sockets", time.Minute, "how long to measure over the loopback, all together; 0: not at all")
	connections := flag.Int("connections", 8, "how many connections a contender is sent requests over")
	flag.Parse()
	if err := compare(context.Background(), os.Stdout, *handlers, *sockets, *connections); err != nil {
		log.Fatal(err)
	}
}

// compare measures everything and prints it. It fails if any contender answers
// otherwise than it should: what it takes for that says nothing.
func compare(ctx context.Context, out io.Writer, handlers, sockets time.Duration, connections int) error {
	all, err := enter(scenarios())
	if err != nil {
		return err
	}
	if handlers > 0 {
		if err := measureHandlers(all, handlers); err != nil {
			return err
		}
	}
	if sockets > 0 {
		if err := measureSockets(ctx, all, sockets, connections); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(out, "%s\n%s\n%s", summary(all), table(all), claimsTable())
	return err
}
