package idempotency

import (
	"context"
	"time"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/store/lease"
)

// begin looks at what stands under the key, where that costs little, and claims
// it if nothing does.
func (q *request) begin() (*lease.Lease, lease.Standing, error) {
	if s, found, err := q.l.keeper.Peek(q.r.Context(), q.key); found {
		return nil, s, err
	}
	return q.claim()
}

// claim makes one attempt to claim the key. A nil Lease without an error:
// another request's record stands.
//
// The claim outlives the client's connection: one that hangs up must not lose
// the record of what it has caused.
func (q *request) claim() (*lease.Lease, lease.Standing, error) {
	if err := q.r.Context().Err(); err != nil {
		return nil, lease.Standing{}, err // nobody waits for the answer, and nothing was done yet
	}
	return q.l.keeper.Try(q.detached(), q.key, q.asked())
}

// takeOver claims a key whose owner is gone, if exactly the record that was
// seen still stands.
func (q *request) takeOver(seen lease.Standing) (*lease.Lease, lease.Standing, error) {
	if err := q.r.Context().Err(); err != nil {
		return nil, lease.Standing{}, err
	}
	if seen.Held {
		return q.l.keeper.Takeover(q.detached(), q.key, seen, q.asked())
	}
	return q.l.keeper.Seize(q.detached(), q.key, seen.Record, q.asked())
}

// await waits until the request in flight has an outcome, or its key is free
// and claimed. It ends with the client's connection; the claim does not.
func (q *request) await() (*lease.Lease, lease.Standing, error) {
	q.waited = true
	began := middleware.Began(q.l.config.Observer)
	defer func() { q.wait = middleware.Took(began) }()
	ctx, cancel := context.WithCancel(q.detached())
	stop := context.AfterFunc(q.r.Context(), cancel)
	asked := q.asked()
	asked.Wait = q.l.config.Wait
	held, err := q.l.keeper.Acquire(ctx, q.key, asked)
	waits := stop()
	if held != nil && waits {
		q.cancel = cancel // the lease descends from ctx
		return held, lease.Standing{}, nil
	}
	cancel()
	if held != nil {
		_ = held.Release(ctx) // if it fails the record becomes an orphan
		return nil, lease.Standing{}, context.Cause(q.r.Context())
	}
	return nil, standingOf(err), notBusy(err)
}

// asked is the claim that this request makes.
func (q *request) asked() lease.Claim {
	asked := lease.Claim{TTL: q.l.config.TTL, Fixed: q.l.config.Transactional}
	var room []byte
	if q.run == nil {
		u := &run{identity: q.identity, started: time.Now().UnixMilli()}
		q.run, asked.Room, asked.HeadRoom = u, &u.leaseRoom, u.headRoom[:]
		room = u.headRoom[lease.HeadSize:]
	} // else the room was used for another claim
	asked.Note = q.l.codec.claim(room, q.key, q.note(claimed, q.run.started))
	return asked
}

func (q *request) detached() context.Context { return context.WithoutCancel(q.r.Context()) }
