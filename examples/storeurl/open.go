package storeurl

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/memory"
	"github.com/concordhttp/concord/store/sqlstore"
)

// Opened is a store, and what it is in.
type Opened struct {
	Store store.Store

	// DB is the database that a SQL store is in, for tables of the program's
	// own: what a handler writes there can commit with the outcome of its
	// request. Nil: the store is in no database.
	DB *sql.DB
	// Dialect is that of DB.
	Dialect sqlstore.Dialect

	closers []func() error // in the order in which they were opened
}

// migrateTime is how long Open waits for a server to answer.
const migrateTime = 15 * time.Second

// Open opens the store that url names, and makes what it needs where that is not
// there yet.
func Open(ctx context.Context, url string) (*Opened, error) {
	ctx, cancel := context.WithTimeout(ctx, migrateTime)
	defer cancel()
	o := &Opened{}
	if err := o.open(ctx, url); err != nil {
		return nil, errors.Join(fmt.Errorf("store %s: %w", kind(url), err), o.Close())
	}
	return o, nil
}

func (o *Opened) open(ctx context.Context, url string) error {
	switch kind(url) {
	case "memory":
		o.Store = memory.New(memory.Config{})
		return nil
	case "sqlite":
		return o.openSQLite(ctx, strings.TrimPrefix(url, "sqlite:"))
	case "postgres", "postgresql":
		return o.openPostgres(ctx, url)
	case "mysql":
		return o.openMySQL(ctx, url)
	case "redis", "rediss":
		return o.openRedis(ctx, url)
	case "nats":
		return o.openNATS(ctx, url)
	}
	return errors.New("it is one of " + Forms)
}

// kind is the scheme of url, without the rest: that may hold a password. What has
// no scheme is all rest.
func kind(url string) string {
	scheme, _, found := strings.Cut(url, ":")
	if !found && url != "memory" {
		return "?"
	}
	return scheme
}

func (o *Opened) onClose(f func() error) { o.closers = append(o.closers, f) }

// Close closes the store and its connections, the last one opened first.
func (o *Opened) Close() (err error) {
	for i := len(o.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, o.closers[i]())
	}
	o.closers = nil
	return err
}

// Sweep removes what has expired every few minutes until ctx ends, where the
// store needs that. An error is for told, which may be nil: the next time may go
// better.
func (o *Opened) Sweep(ctx context.Context, every time.Duration, told func(error)) {
	sweeper, ok := o.Store.(store.Sweeper)
	if !ok {
		return
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if _, err := sweeper.Sweep(ctx); err != nil && ctx.Err() == nil && told != nil {
				told(err)
			}
		}
	}
}
