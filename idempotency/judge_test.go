package idempotency

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/lease"
)

// judged is a record as it is found, and the request that finds it.
type judged struct {
	name    string
	state   state
	held    bool
	orphan  bool
	dropped bool
	any     bool // an operator has settled it: any request matches
	other   bool // the request that comes is another one
	age     time.Duration
	want    verdict // under Refuse
	rerun   verdict // under Rerun
	tx      verdict // of a transactional layer
}

const judgedLease = 10 * time.Second // with a margin of 1 s

func TestJudge(t *testing.T) {
	later, over := judgedLease, judgedLease+time.Second
	for _, c := range []judged{
		{"a claim whose owner lives", claimed, true, false, false, false, false, time.Second, inFlight, inFlight, inFlight},
		{"a claim whose owner is gone", claimed, true, true, false, false, false, over, unsettled, orphaned, orphaned},
		{"a claim of another request", claimed, true, false, false, false, true, time.Second, reused, reused, reused},
		{"a claim of another request whose owner is gone", claimed, true, true, false, false, true, over, reused, reused, reused},
		{"an outcome", kept, false, false, false, false, false, time.Hour, replayed, replayed, replayed},
		{"an outcome of another request", kept, false, false, false, false, true, time.Hour, reused, reused, reused},
		{"an outcome that an operator gave for any request", kept, false, false, false, true, true, time.Hour, replayed, replayed, replayed},
		{"an outcome whose body was dropped", kept, false, false, true, false, false, time.Hour, gone, gone, gone},
		{"an outcome of another request whose body was dropped", kept, false, false, true, false, true, time.Hour, reused, reused, reused},
		{"an outcome that was too large", notRetained, false, false, false, false, false, time.Hour, gone, gone, gone},
		{"an outcome that was too large, and a store that drops", notRetained, false, false, true, false, false, time.Hour, gone, gone, gone},
		{"an unknown end", unknown, false, false, false, false, false, over, unsettled, orphaned, unsettled},
		{"an unknown end whose handler may go on", unknown, false, false, false, false, false, later, unsettled, inFlight, unsettled},
		{"an unknown end at the last moment", unknown, false, false, false, false, false, over - 1, unsettled, inFlight, unsettled},
		{"an unknown end whose body, if any, was dropped", unknown, false, false, true, false, false, over, unsettled, orphaned, unsettled},
		{"an unknown end of another request", unknown, false, false, false, false, true, over, reused, reused, reused},
	} {
		t.Run(c.name, func(t *testing.T) {
			mine, stored := fingerprint{1}, fingerprint{1}
			if c.other {
				stored = fingerprint{2}
			}
			s := lease.Standing{
				Record: store.Record{Version: 7, Age: c.age, TTL: time.Hour, Dropped: c.dropped},
				Held:   c.held, Orphan: c.orphan, Lease: judgedLease,
			}
			n := note{state: c.state, fingerprint: stored, anyRequest: c.any}
			assert.Equal(t, c.want, policyOf(Config{Lease: judgedLease}).judge(mine, &s, &n), "Refuse")
			assert.Equal(t, c.rerun, policyOf(Config{Lease: judgedLease, Unknown: Rerun}).judge(mine, &s, &n), "Rerun")
			assert.Equal(t, c.tx, policyOf(Config{Lease: judgedLease, Transactional: true}).judge(mine, &s, &n), "Transactional")
			both := policyOf(Config{Lease: judgedLease, Transactional: true, Unknown: Rerun})
			assert.Equal(t, c.rerun, both.judge(mine, &s, &n), "Transactional with Rerun")
		})
	}
	t.Run("no record", func(t *testing.T) {
		assert.Equal(t, free, policy{}.judge(fingerprint{1}, &lease.Standing{}, &note{}))
	})
}

func TestUntilRetry(t *testing.T) {
	p := policyOf(Config{Lease: time.Minute}) // its own lease does not count, its margin does
	standing := func(held bool, age time.Duration) lease.Standing {
		return lease.Standing{Record: store.Record{Version: 1, Age: age}, Held: held, Lease: judgedLease}
	}
	assert.Zero(t, p.untilRetry(standing(true, time.Second)), "a claim may be settled at any moment")
	assert.Zero(t, p.untilRetry(lease.Standing{}), "what is gone is in nobody's way")
	assert.Equal(t, 15*time.Second, p.untilRetry(standing(false, time.Second)), "an unknown end has to wait for its time")
	assert.Equal(t, "16", requestInFlight(15*time.Second+1).Header.Get("Retry-After"), "a client that comes too early is refused again")
}
