package docs

import (
	"context"
	"errors"
	"log"

	"github.com/nats-io/nats.go"
	"github.com/redis/go-redis/v9"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/store/natsstore"
	"github.com/concordhttp/concord/store/redisstore"
)

// The code of store/redisstore/README.md and store/natsstore/README.md.
// stores_run_test.go runs it, each on its server.

func onRedis(ctx context.Context, address string) (stack *concord.Stack, closeStore func() error, err error) {
	client := redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs:                 []string{address}, // with MasterName: Sentinel; several: Cluster
		ContextTimeoutEnabled: true,              // required, as a ReadTimeout is: else no call can be bounded
	})
	records, err := redisstore.New(client, redisstore.Config{Prefix: "shop:"})
	if err != nil {
		return nil, nil, errors.Join(err, client.Close())
	}
	closeStore = func() error { return errors.Join(records.Close(), client.Close()) }
	if err := records.Check(ctx); err != nil { // evicts? keeps nothing on disk?
		log.Print(err)
	}
	stack, err = concord.New(concord.Config{Store: records, Principal: customer})
	if err != nil {
		return nil, nil, errors.Join(err, closeStore())
	}
	return stack, closeStore, nil
}

func onNATS(ctx context.Context, url string, replicas int) (stack *concord.Stack, closeStore func(), err error) {
	conn, err := nats.Connect(url, nats.ReconnectBufSize(-1), nats.MaxReconnects(-1))
	if err != nil {
		return nil, nil, err
	}
	records, err := natsstore.New(natsstore.Config{Conn: conn, Replicas: replicas}) // three, or one
	if err == nil {
		err = records.Migrate(ctx) // makes the bucket, or checks the one that there is
	}
	if err == nil {
		stack, err = concord.New(concord.Config{Store: records, Principal: customer})
	}
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	return stack, conn.Close, nil
}
