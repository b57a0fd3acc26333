package redisstore

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/concordhttp/concord/store"
)

// maxTTL bounds what is written; a record with more to live lives so long. See
// lua/record.lua.
const maxTTL = 150 * 365 * 24 * time.Hour

// The states of a record, and the size of what stands before its head. They are
// those of lua/record.lua.
const (
	stateGone byte = iota
	stateWhole
	stateDropped
	headerSize = 28
)

// writing is a record on its way to the server.
type writing struct {
	record store.Record
	ttl    time.Duration // as it is written, in whole µs
}

func newWriting(r store.Record) *writing {
	r = store.Record{Head: slices.Clip(r.Head), Body: slices.Clip(r.Body), TTL: r.TTL}
	ttl := min(r.TTL, maxTTL)
	if rest := ttl % time.Microsecond; rest > 0 {
		ttl += time.Microsecond - rest // cut off, the shortest would be no life at all
	}
	return &writing{record: r, ttl: ttl}
}

// drop takes the body away, and says so if there was one.
func (w *writing) drop() {
	w.record.Dropped = w.record.Dropped || len(w.record.Body) > 0
	w.record.Body = nil
}

// args are those that the scripts have in common.
func (w *writing) args() []any {
	state := stateWhole
	if w.record.Dropped {
		state = stateDropped
	}
	return []any{int(state), w.ttl.Microseconds(), keepFor(w.ttl), w.record.Head, w.record.Body}
}

// keepFor is how long the server keeps a key, in ms: as long as its record lives,
// and its version for the grace period.
func keepFor(ttl time.Duration) int64 {
	return int64((ttl + store.Grace + time.Millisecond - 1) / time.Millisecond)
}

// outcome is what the reply of a script that writes w means.
func (w *writing) outcome(ctx context.Context, reply any, err error) (store.Record, bool, error) {
	if err != nil {
		return store.Record{}, false, failure(ctx, err)
	}
	version, won := reply.(int64)
	if !won {
		standing, err := standing(reply)
		return standing, false, err
	}
	if version <= 0 {
		return store.Record{}, false, fmt.Errorf("%w: version %d", ErrCorrupt, version)
	}
	w.record.Version, w.record.TTL, w.record.Age = uint64(version), w.ttl, 0
	return w.record, true, nil
}

// standing is the record in a reply, which is nil if there is none, else the
// server's clock and the bytes that lua/record.lua describes.
func standing(reply any) (store.Record, error) {
	if reply == nil {
		return store.Record{}, nil
	}
	pair, ok := reply.([]any)
	if !ok || len(pair) != 2 {
		return store.Record{}, fmt.Errorf("%w: a reply of type %T", ErrCorrupt, reply)
	}
	now, isNumber := pair[0].(int64)
	value, isString := pair[1].(string)
	if !isNumber || !isString {
		return store.Record{}, fmt.Errorf("%w: a reply of %T and %T", ErrCorrupt, pair[0], pair[1])
	}
	return decode(now, value)
}

func decode(now int64, value string) (store.Record, error) {
	if len(value) < headerSize {
		return store.Record{}, fmt.Errorf("%w: %d bytes", ErrCorrupt, len(value))
	}
	b := []byte(value)
	state, order := b[1], binary.BigEndian
	body := headerSize + int(order.Uint16(b[26:]))
	if b[0] != 1 || state == stateGone || state > stateDropped || body > len(b) || (state == stateDropped && body < len(b)) {
		return store.Record{}, fmt.Errorf("%w: format %d, state %d, %d bytes", ErrCorrupt, b[0], state, len(b))
	}
	r := store.Record{
		Head:    slices.Clip(b[headerSize:body]),
		Body:    slices.Clip(b[body:]),
		Dropped: state == stateDropped,
		Version: order.Uint64(b[2:]),
		Age:     max(0, micros(now-int64(order.Uint64(b[10:])))),
		TTL:     micros(int64(order.Uint64(b[18:])) - now),
	}
	if r.Version == 0 || r.TTL <= 0 || len(r.Head) > store.MaxHead {
		return store.Record{}, fmt.Errorf("%w: version %d, %v to live, head of %d bytes", ErrCorrupt, r.Version, r.TTL, len(r.Head))
	}
	return r, nil
}

// micros is so many µs, or as many as a duration can tell.
func micros(n int64) time.Duration {
	return time.Duration(min(max(n, 0), math.MaxInt64/1000)) * time.Microsecond
}

// number is the number in a reply.
func number(reply any) (int64, error) {
	n, ok := reply.(int64)
	if !ok {
		return 0, fmt.Errorf("%w: a reply of type %T", ErrCorrupt, reply)
	}
	return n, nil
}
