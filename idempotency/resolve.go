package idempotency

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/lease"
)

// Outcome is what an operator says that a request was answered.
type Outcome struct {
	Status int // 200 to 599
	Header http.Header
	Body   []byte // at most Config.MaxResponseBody
}

// Why Resolve did not do it.
var (
	// ErrNoRecord: nothing is recorded under the key. It is free, or was
	// settled and has expired.
	ErrNoRecord = errors.New("idempotency: nothing is recorded under this key")
	// ErrNotUnknown: its request still runs, or has an outcome.
	ErrNotUnknown = errors.New("idempotency: the outcome is not unknown")
	// ErrBadReference: the reference is none that an Event had for its Key.
	ErrBadReference = errors.New("idempotency: malformed reference")
)

// Resolve settles a request of which nobody but an operator knows how it ended:
// one whose owner died, that was recorded as unknown, or whose record cannot be
// read. Ref is the Key of an event about it. From then on o is replayed to
// whoever sends the request again, for the TTL; nil frees the key, so that the
// request can run. Fields that are never replayed are left out of o.
//
// The errors are [ErrNoRecord], [ErrNotUnknown], [ErrBadReference], those of an
// Outcome that cannot be one, or failures of the store, after which it may or
// may not be done.
func (l *Layer) Resolve(ctx context.Context, ref string, o *Outcome) error {
	key, err := parseReference(ref)
	if err != nil {
		return errors.Join(ErrBadReference, err)
	}
	if err := l.checkOutcome(o); err != nil {
		return err
	}
	found, exists, err := l.config.Store.Get(ctx, key)
	switch {
	case err != nil:
		return fmt.Errorf("idempotency: resolve: %w", err)
	case !exists:
		return ErrNoRecord
	}
	n, err := l.unknownNote(key, found)
	if err != nil {
		return err
	}
	if o == nil {
		return l.resolveFree(ctx, key, found)
	}
	return l.resolveAs(ctx, key, found, n, o)
}

func (l *Layer) checkOutcome(o *Outcome) error {
	switch {
	case o == nil:
		return nil
	case o.Status < 200 || o.Status > 599:
		return fmt.Errorf("idempotency: resolve: a status of %d", o.Status)
	case int64(len(o.Body)) > l.config.MaxResponseBody:
		return fmt.Errorf("idempotency: resolve: a body of %d bytes, the limit is %d", len(o.Body), l.config.MaxResponseBody)
	}
	return nil
}

// unknownNote returns what the record says of its request, if nobody knows how
// that ended. One that cannot be read says nothing.
func (l *Layer) unknownNote(key string, r store.Record) (note, error) {
	s, err := l.keeper.Read(r)
	if err == nil {
		var n note
		if n, err = l.read(key, &s); err == nil {
			if s.Orphan || n.state == unknown {
				return n, nil
			}
			return note{}, ErrNotUnknown
		}
	}
	return note{anyRequest: true, started: time.Now().Add(-r.Age)}, nil
}

func (l *Layer) resolveFree(ctx context.Context, key string, found store.Record) error {
	deleted, err := l.config.Store.Delete(ctx, key, found.Version)
	switch {
	case err != nil:
		return fmt.Errorf("idempotency: resolve: %w", err)
	case !deleted:
		return ErrNotUnknown // somebody was faster
	}
	return nil
}

func (l *Layer) resolveAs(ctx context.Context, key string, found store.Record, n note, o *Outcome) error {
	held, _, err := l.keeper.Seize(ctx, key, found, lease.Claim{Note: l.codec.claim(nil, key, n), TTL: l.config.TTL})
	switch {
	case err != nil:
		return fmt.Errorf("idempotency: resolve: %w", err)
	case held == nil:
		return ErrNotUnknown // somebody was faster
	}
	n.state, n.status = kept, o.Status
	if to := o.Header["Location"]; len(to) > 0 {
		n.location = to[0]
	}
	var fields []field
	for name, values := range o.Header {
		if replayable(name, o.Header) {
			fields = append(fields, field{http.CanonicalHeaderKey(name), values})
		}
	}
	head, body := l.codec.outcome(nil, key, n, fields, o.Body)
	if _, err := held.Settle(ctx, head, body, l.config.TTL); err != nil {
		return fmt.Errorf("idempotency: resolve: %w", err)
	}
	return nil
}
