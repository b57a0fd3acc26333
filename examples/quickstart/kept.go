package main

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/concordhttp/concord/examples/storeurl"
	"github.com/concordhttp/concord/store/memory"
)

// kept is where Concord keeps its records: keys with their outcomes, gates and
// locks. The documents and the payments are in the memory of this process
// whatever the store; examples/payments has them in a database too.
type kept struct {
	records   watched
	namespace string
	close     func() error
}

// keep opens the store of -store. Each tour has a namespace of its own, since
// its keys are always the same and a store may remember those of the last one.
// Without a tour, servers with the same store share what is in it.
func keep(ctx context.Context, url string, tour bool) (kept, error) {
	opened, err := storeurl.Open(ctx, url)
	if err != nil {
		return kept{}, err
	}
	k := kept{namespace: "quickstart", close: opened.Close}
	if tour {
		k.namespace = "tour " + rand.Text()
	}
	records, ok := opened.Store.(watched)
	if !ok {
		_ = opened.Close()
		return kept{}, fmt.Errorf("%T does not tell when a record changes", opened.Store)
	}
	k.records = records
	return k, nil
}

// keptInMemory is what tests use.
func keptInMemory() kept {
	return kept{records: memory.New(memory.Config{}), close: func() error { return nil }}
}
