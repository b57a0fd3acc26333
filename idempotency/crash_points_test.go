package idempotency_test

import (
	"fmt"

	"github.com/concordhttp/concord/idempotency"
)

// crashPoint is a moment at which a server loses its power.
type crashPoint int

const (
	beforeClaim crashPoint = iota
	afterClaim
	midHandler
	afterEffect
	midRecord // in a transaction: mid-commit
	afterRecord
	midReply
	duringRenewal // in a transaction, where none is: while an unclear commit is decided
	duringRelease
	crashPoints
)

func (p crashPoint) String() string {
	return [...]string{
		"before the claim", "after the claim", "mid-handler", "after the effect", "mid-record",
		"after the record", "mid-reply", "during a renewal", "during a release",
	}[p]
}

// crashMode is the promise that is put to the test.
type crashMode struct {
	name          string
	unknown       idempotency.UnknownPolicy
	transactional bool
}

const (
	crashServers = 3
	crashKeys    = 3
	crashClients = 2 // for each key
)

// crashTotals say whether a simulation did what it is for.
type crashTotals struct {
	hits                                  [crashPoints]int
	Deaths, Cuts, Requests, Runs, Seconds int
	Successes, Replays, Unknowns, InDoubt int
}

func (s *crashTotals) add(o *crashTotals) {
	for p, n := range o.hits {
		s.hits[p] += n
	}
	s.Deaths += o.Deaths
	s.Cuts += o.Cuts
	s.Requests += o.Requests
	s.Runs += o.Runs
	s.Seconds += o.Seconds
	s.Successes += o.Successes
	s.Replays += o.Replays
	s.Unknowns += o.Unknowns
	s.InDoubt += o.InDoubt
}

func (s *crashTotals) String() string {
	text := fmt.Sprintf("%d deaths, %d links cut; %d requests, %d runs of which %d second ones; %d successes of which %d replays, %d outcomes unknown, %d commits in doubt;",
		s.Deaths, s.Cuts, s.Requests, s.Runs, s.Seconds, s.Successes, s.Replays, s.Unknowns, s.InDoubt)
	for p, n := range s.hits {
		text += fmt.Sprintf(" %s %d,", crashPoint(p), n)
	}
	return text[:len(text)-1]
}
