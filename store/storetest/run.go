package storetest

import (
	"testing"
	"testing/synctest"

	"github.com/concordhttp/concord/store"
)

// check is one rule of the contract, and how to see whether a store keeps it.
type check struct {
	Name string
	Why  string // what the contract wants, and what goes wrong without it
	Run  func(e *env)
}

// checks is the suite, in the order in which it runs: what others build on
// comes first.
var checks = []check{
	winnersSeeTheirRecord,
	createNeverOverwrites,
	conditionsAreNotErrors,
	replaceWantsTheExactVersion,
	deleteWantsTheExactVersion,
	deletedIsAbsent,
	losersSeeTheStandingRecord,

	expiredAtTheInstant,
	zeroTTLIsNotUnset,
	replaceKeepsTheExpiry,
	shortestLivesEnd,
	longestLivesLast,
	ageIsThatOfTheVersion,

	versionsGrowAcrossDeleteAndExpiry,
	versionsGrowForEveryHolder,
	versionsGrowAcrossRestart,
	versionsGrowAcrossClockStep,

	oneCreateWins,
	oneReplaceWins,
	oneCreateWinsAfterExpiry,
	oneTakeoverWins,
	serializableIsRetriedInside,

	keysAreAnyBytes,
	valuesAreAnyBytes,
	outFieldsAreIgnored,
	limitsAreEnforced,
	slicesAreNeverWritten,

	deliveredTwice,
	lostReplies,
	endedContextChangesNothing,
	cancelledCallIsWholeOrNothing,

	headsAreNeverEvicted,
	bodiesAreDroppedAndSaidSo,
	replaceNeverFailsForRoom,
	fullStoreRefusesCreate,
	roomComesBack,

	watchWakesOnReplace,
	watchWakesOnDelete,
	watchWakesOnExpiry,
	watchOfWhatIsGone,
	watchEndsWithItsContext,
	watchWakesEverybody,

	keysDoNotDisturbEachOther,
	sweepChangesNothingVisible,
	stormKeepsItsInvariants,
	closedStoreSaysSo,
}

// Run checks the stores that open returns against the contract of package
// store. Every check gets an empty store of its own, with room for 1,000
// records and 1 MiB of bodies at least; open registers with t.Cleanup whatever
// is to be closed, and fails t if it cannot open one. Where stores share a
// server, open gives each a namespace of its own.
func Run(t *testing.T, open func(t *testing.T) store.Store, options ...Option) {
	t.Helper()
	s := newSettings(open, options)
	for _, c := range checks {
		t.Run(c.Name, func(t *testing.T) { c.runIn(t, s) })
	}
}

// runIn runs the check as the test t, in a bubble if the settings say so.
func (c check) runIn(t *testing.T, s settings) {
	t.Helper()
	if !s.bubble {
		c.run(newEnv(t, t, s))
		return
	}
	skipped := false
	synctest.Test(t, func(t *testing.T) {
		defer func() { skipped = t.Skipped() }()
		c.run(newEnv(t, t, s))
	})
	if skipped {
		t.SkipNow() // the reason stands in the log; without this the test would count as passed
	}
}

// run runs the check, and gives its reason if it fails.
func (c check) run(e *env) {
	defer func() {
		if e.Failed() {
			e.Logf("the contract: %s", c.Why)
		}
	}()
	c.Run(e)
}
