package sqlstore

import (
	"fmt"
	"slices"

	"github.com/concordhttp/concord/store"
)

// write is a record on its way into a row. Its slices are not nil, which a
// driver would take for NULL; but body is nil if it is dropped.
type write struct {
	key        []byte
	ttl        int64 // in µs
	head, body []byte
}

// newWrite checks a record before it is sent. Only Replace drops a body that is
// too long.
func newWrite(key string, r store.Record, maxBody int, drops bool) (write, error) {
	if err := store.Check(key, r); err != nil {
		return write{}, err
	}
	w := write{key: []byte(key), ttl: micros(r.TTL), head: notNil(r.Head), body: notNil(r.Body)}
	if len(r.Body) > maxBody {
		if !drops {
			return write{}, fmt.Errorf("%w: body of %d bytes, the limit is %d", store.ErrTooLarge, len(r.Body), maxBody)
		}
		w.body = nil
	}
	return w, nil
}

func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// standing is the record that a write has become.
func (w *write) standing(version int64, r store.Record) store.Record {
	return store.Record{
		Head:    slices.Clip(w.head),
		Body:    slices.Clip(w.body),
		Dropped: w.body == nil,
		TTL:     r.TTL,
		Version: uint64(version),
	}
}
