package storeurl

import (
	"context"
	neturl "net/url"

	"github.com/nats-io/nats.go"
	"github.com/redis/go-redis/v9"

	"github.com/concordhttp/concord/store/natsstore"
	"github.com/concordhttp/concord/store/redisstore"
)

func (o *Opened) openRedis(ctx context.Context, url string) error {
	options, err := redis.ParseURL(url)
	if err != nil {
		return errNoURL
	}
	options.ContextTimeoutEnabled = true // a call then lasts no longer than its context
	client := redis.NewClient(options)
	o.onClose(client.Close)
	records, err := redisstore.New(client, redisstore.Config{})
	if err != nil {
		return err
	}
	o.onClose(records.Close)
	o.Store = records
	return client.Ping(ctx).Err()
}

// openNATS connects for good: a server that is away for a while is waited for by
// the connection, and no write waits in it meanwhile.
func (o *Opened) openNATS(ctx context.Context, url string) error {
	if _, err := neturl.Parse(url); err != nil {
		return errNoURL
	}
	conn, err := nats.Connect(url, nats.MaxReconnects(-1), nats.ReconnectBufSize(-1))
	if err != nil {
		return err
	}
	o.onClose(func() error { conn.Close(); return nil })
	records, err := natsstore.New(natsstore.Config{Conn: conn})
	if err != nil {
		return err
	}
	o.onClose(records.Close)
	o.Store = records
	return records.Migrate(ctx)
}
