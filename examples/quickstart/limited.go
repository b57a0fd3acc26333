package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/concordhttp/concord/store"
)

// watched is a store that tells when a record changes, as all that there are do.
type watched interface {
	store.Store
	store.Watcher
}

// limited is a store that has no room for requests that ask for that with
// ?fail=store.
type limited struct{ watched }

func (l limited) Create(ctx context.Context, key string, r store.Record) (store.Record, bool, error) {
	if ctx.Value(storeFails{}) != nil {
		return store.Record{}, false, fmt.Errorf("%w: the request asked for ?fail=store", store.ErrFull)
	}
	return l.watched.Create(ctx, key, r)
}

type storeFails struct{}

// markStoreFaults lets the store know what a request asks for: all that it sees
// of one is the context.
func markStoreFaults(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("fail") == "store" {
			r = r.WithContext(context.WithValue(r.Context(), storeFails{}, true))
		}
		next.ServeHTTP(w, r)
	})
}
