package natsstore_test

import (
	"context"
	"log"

	"github.com/nats-io/nats.go"

	"github.com/concordhttp/concord/store/natsstore"
)

// It needs a server, so it is compiled and not run. The README's program is run.
func Example() {
	if err := serve(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func serve(ctx context.Context) error {
	conn, err := nats.Connect("nats://127.0.0.1:4222", nats.ReconnectBufSize(-1), nats.MaxReconnects(-1))
	if err != nil {
		return err
	}
	defer conn.Close()
	records, err := natsstore.New(natsstore.Config{Conn: conn, Replicas: 3})
	if err != nil {
		return err // every mistake in the configuration
	}
	if err := records.Migrate(ctx); err != nil {
		return err // the bucket is not there and cannot be made, or loses what it should keep
	}
	// From here on records is the Store of a concord.Config.
	return nil
}
