package memory_test

import (
	"context"
	"fmt"
	"time"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/memory"
)

func Example() {
	ctx := context.Background()
	s := memory.New(memory.Config{MaxRecords: 10_000, MaxBodyBytes: 16 << 20})

	claim, created, _ := s.Create(ctx, "order 7", store.Record{Head: []byte("mine"), TTL: time.Minute})
	fmt.Println("first:", created)

	standing, created, _ := s.Create(ctx, "order 7", store.Record{Head: []byte("theirs"), TTL: time.Minute})
	fmt.Printf("second: %v, it is %s\n", created, standing.Head)

	_, replaced, _ := s.Replace(ctx, "order 7", claim.Version, store.Record{Head: []byte("done"), TTL: time.Hour})
	fmt.Println("completed:", replaced)

	deleted, _ := s.Delete(ctx, "order 7", claim.Version)
	fmt.Println("deleted by the version of the claim:", deleted)
	// Output:
	// first: true
	// second: false, it is mine
	// completed: true
	// deleted by the version of the claim: false
}
