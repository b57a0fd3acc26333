package redisstore_test

import (
	"context"
	"errors"
	"log"

	"github.com/redis/go-redis/v9"

	"github.com/concordhttp/concord/store/redisstore"
)

// It needs a server, so it is compiled and not run.
func Example() {
	if err := serve(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func serve(ctx context.Context) error {
	client := redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs:                 []string{"127.0.0.1:6379"},
		ContextTimeoutEnabled: true,
	})
	defer client.Close()
	records, err := redisstore.New(client, redisstore.Config{Prefix: "shop:"})
	if err != nil {
		return err // every mistake in the configuration
	}
	defer records.Close()

	switch err := records.Check(ctx); {
	case errors.Is(err, redisstore.ErrEvicts), errors.Is(err, redisstore.ErrForgets):
		return err // a payment would run twice some day
	case err != nil:
		log.Print(err) // it is not there yet, or it does not tell
	}
	// From here on records is the Store of a concord.Config.
	return nil
}
