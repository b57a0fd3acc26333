package idempotency_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/memory"
)

// Which answers are outcomes, to be replayed, which leave the key free, and
// which say that nobody knows.
func ExampleDefaultKeep() {
	names := map[idempotency.Disposition]string{idempotency.Keep: "kept", idempotency.Free: "free", idempotency.Unknown: "unknown"}
	for _, status := range []int{201, 303, 401, 404, 409, 412, 429, 500, 503} {
		fmt.Println(status, names[idempotency.DefaultKeep(status, http.Header{})])
	}
	fmt.Println("503 with Retry-After", names[idempotency.DefaultKeep(503, http.Header{"Retry-After": {"1"}})])
	// Output:
	// 201 kept
	// 303 kept
	// 401 free
	// 404 kept
	// 409 kept
	// 412 free
	// 429 free
	// 500 kept
	// 503 unknown
	// 503 with Retry-After free
}

// spied is a store of which somebody reads what is written.
type spied struct {
	store.Store
	seen []byte
}

// Replace implements [store.Store].
func (s *spied) Replace(ctx context.Context, key string, version uint64, r store.Record) (store.Record, bool, error) {
	s.seen = append(s.seen, r.Body...)
	return s.Store.Replace(ctx, key, version, r)
}

// What is stored is sealed, so that whoever reads the store reads no answers. A
// key is rotated by putting the new one first, and the old one behind it until
// the TTL is over.
func ExampleSealer() {
	secret := make([]byte, 32)
	rand.Read(secret) // a real one is the same on every server
	block, err := aes.NewCipher(secret)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	records := &spied{Store: memory.New(memory.Config{})}
	layer, err := idempotency.New(idempotency.Config{
		Store:     records,
		Principal: subject,
		Seal:      []idempotency.Sealer{{ID: 1, AEAD: aead}},
	})
	if err != nil {
		panic(err)
	}
	h := authenticate(layer.Handler(payments()))
	pays(h, "alice", "1", "")
	pays(h, "alice", "1", "")
	fmt.Println("in the store:", len(records.seen) > 0, strings.Contains(string(records.seen), "charge"))
	// Output:
	// 201 charge 1
	// 201 charge 1 (replayed)
	// in the store: true false
}
