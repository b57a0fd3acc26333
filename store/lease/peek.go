package lease

import (
	"context"

	"github.com/concordhttp/concord/store"
)

// Peek looks at what stands under key before [Keeper.Try], where that is the
// cheaper question for those who often find something: in a store in the memory
// of the process. False: nothing stands, or it is not such a store, or it cannot
// be said; Try then says which. The error is [ErrCorrupt], with the record in
// Standing.
func (k *Keeper) Peek(ctx context.Context, key string) (s Standing, found bool, err error) {
	if !k.immediate {
		return Standing{}, false, nil
	}
	var r store.Record
	if r, found, err = k.config.Store.Get(ctx, key); !found || err != nil {
		return Standing{}, false, nil //nolint:nilerr // Try asks again, and says what is wrong
	}
	s, err = read(r, k.config.Margin)
	return s, true, err
}
