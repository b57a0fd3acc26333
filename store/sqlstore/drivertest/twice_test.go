package drivertest

import (
	"context"

	"github.com/concordhttp/concord/store"
)

// twice delivers each call twice and returns the second reply, as a client
// library does that repeats a call whose first reply was lost.
type twice struct{ store.Store }

func (t twice) Create(ctx context.Context, key string, r store.Record) (store.Record, bool, error) {
	_, _, _ = t.Store.Create(ctx, key, r)
	return t.Store.Create(ctx, key, r)
}

func (t twice) Replace(ctx context.Context, key string, version uint64, r store.Record) (store.Record, bool, error) {
	_, _, _ = t.Store.Replace(ctx, key, version, r)
	return t.Store.Replace(ctx, key, version, r)
}

func (t twice) Delete(ctx context.Context, key string, version uint64) (bool, error) {
	_, _ = t.Store.Delete(ctx, key, version)
	return t.Store.Delete(ctx, key, version)
}
