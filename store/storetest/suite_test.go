package storetest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/concordhttp/concord/store"
)

// of returns the settings under which the model with a fault can be checked for
// everything.
func of(f fault, more ...Option) settings {
	return newSettings(openModel(f, func(*model) {}), append(everything(f), more...))
}

func openModel(f fault, shape func(*model)) Open {
	return func(t *testing.T) store.Store {
		t.Helper()
		m := newModel(f)
		shape(m)
		return m
	}
}

func everything(f fault) []Option {
	return []Option{
		InBubble(),
		WithRoomForRecords(20, openModel(f, func(m *model) { m.maxRecords = 20 })),
		WithRoomForBodies(1<<12, openModel(f, func(m *model) { m.maxBody = 1 << 12 })),
		WithRestart(func(t *testing.T, _ store.Store) store.Store {
			t.Helper()
			return newModel(f)
		}),
		WithClockStep(func(t *testing.T, s store.Store, d time.Duration) {
			t.Helper()
			s.(*model).stepClock(d)
		}),
		WithRepeatedDelivery(func(t *testing.T) store.Store {
			t.Helper()
			return twice{newModel(f)}
		}),
	}
}

// coarse gives up what only a bubble can do: the checks run as on a server, with
// times that are never quite right, though still on the fake clock.
func coarse(s *settings) {
	s.exact = false
	s.unit, s.grain = 200*time.Millisecond, 10*time.Millisecond
}

func TestACorrectStorePasses(t *testing.T) {
	Run(t, openModel(none, func(*model) {}), everything(none)...)
}

func TestACorrectStorePassesWithACoarseClock(t *testing.T) {
	Run(t, openModel(none, func(*model) {}), append(everything(none), coarse)...)
}

// proofs names for each fault the check that is meant for it.
var proofs = []struct {
	fault    fault
	caughtBy check
}{
	{replaceShowsNoVersion, winnersSeeTheirRecord},
	{createOverwrites, createNeverOverwrites},
	{failedConditionIsAnError, conditionsAreNotErrors},
	{replaceIgnoresVersion, replaceWantsTheExactVersion},
	{deleteIgnoresVersion, deleteWantsTheExactVersion},
	{deleteDoesNothing, deletedIsAbsent},
	{loserSeesNothing, losersSeeTheStandingRecord},
	{loserSeesNothing, lostReplies},
	{loserSeesNoBody, losersSeeTheStandingRecord},
	{loserSeesNoDrop, bodiesAreDroppedAndSaidSo},
	{visibleAtTheInstant, expiredAtTheInstant},
	{zeroTTLIsForEver, zeroTTLIsNotUnset},
	{replaceLosesTTL, replaceKeepsTheExpiry},
	{replaceIgnoresTTL, replaceKeepsTheExpiry},
	{ageOfCreation, ageIsThatOfTheVersion},
	{shortTTLIsForEver, shortestLivesEnd},
	{longTTLWraps, longestLivesLast},
	{versionsRestartAfterDelete, versionsGrowAcrossDeleteAndExpiry},
	{versionsRestartAfterExpiry, versionsGrowAcrossDeleteAndExpiry},
	{versionsAreTheClock, versionsGrowAcrossDeleteAndExpiry},
	{versionsDrawnTooEarly, versionsGrowForEveryHolder},
	{versionsRestartWithStore, versionsGrowAcrossRestart},
	{versionsForgottenAtOnce, versionsGrowAcrossClockStep},
	{versionsAreTheClock, versionsGrowAcrossClockStep},
	{versionsRestartAfterSweep, sweepChangesNothingVisible},
	{getThenCreate, oneCreateWins},
	{getThenReplace, oneReplaceWins},
	{getThenCreateAfterExpiry, oneCreateWinsAfterExpiry},
	{getThenDelete, oneTakeoverWins},
	{keysAreFolded, keysAreAnyBytes},
	{keysEndAtNUL, keysAreAnyBytes},
	{keysAreTrimmed, keysAreAnyBytes},
	{valuesAreTrimmed, valuesAreAnyBytes},
	{outFieldsAreKept, outFieldsAreIgnored},
	{contentionIsAnError, serializableIsRetriedInside},
	{outFieldsAreRefused, outFieldsAreIgnored},
	{longKeysAreCut, limitsAreEnforced},
	{memoryIsUsedAgain, slicesAreNeverWritten},
	{callersCapacityIsUsed, slicesAreNeverWritten},
	{createKnowsItsOwn, deliveredTwice},
	{endedContextIsIgnored, endedContextChangesNothing},
	{cancelledCallTearsApart, cancelledCallIsWholeOrNothing},
	{headsAreEvicted, headsAreNeverEvicted},
	{bodiesAreLostSilently, bodiesAreDroppedAndSaidSo},
	{replaceDropsSilently, replaceNeverFailsForRoom},
	{replaceIsFullOfHeads, replaceNeverFailsForRoom},
	{replaceIsFull, replaceNeverFailsForRoom},
	{createIsNeverFull, fullStoreRefusesCreate},
	{expiredTakesRoom, roomComesBack},
	{changesWakeNobody, watchWakesOnReplace},
	{deleteWakesNobody, watchWakesOnDelete},
	{changesWakeOne, watchWakesEverybody},
	{watchSleepsThroughExpiry, watchWakesOnExpiry},
	{watchOfGoneSleeps, watchOfWhatIsGone},
	{watchIgnoresItsContext, watchEndsWithItsContext},
	{deleteHitsANeighbour, keysDoNotDisturbEachOther},
	{sweepRemovesTheLiving, sweepChangesNothingVisible},
	{sweepRemovesByKey, sweepChangesNothingVisible},
	{recordsAreMixedUp, stormKeepsItsInvariants},
	{closeWakesNobody, closedStoreSaysSo},
	{closedLooksEmpty, closedStoreSaysSo},
}

// TestBrokenStoresAreCaught breaks a store in every way that has a name, and
// sees the check that is meant for it fail and give its reason.
func TestBrokenStoresAreCaught(t *testing.T) {
	proven := map[string]bool{}
	for _, row := range proofs {
		proven[row.caughtBy.Name] = true
		t.Run(string(row.fault), func(t *testing.T) {
			wantCaught(t, row.caughtBy, of(row.fault))
			if row.fault != visibleAtTheInstant { // which is smaller than the grain
				wantCaught(t, row.caughtBy, of(row.fault, coarse))
			}
		})
	}
	for _, c := range checks {
		if !proven[c.Name] {
			t.Errorf("%s: no fault shows that it can fail", c.Name)
		}
	}
}

func wantCaught(t *testing.T, c check, s settings) {
	t.Helper()
	switch r := observe(t, c, s); {
	case !r.failed:
		t.Errorf("%s did not notice:\n%s", c.Name, r)
	case !strings.Contains(r.String(), c.Why):
		t.Errorf("%s failed and did not give its reason:\n%s", c.Name, r)
	default:
		t.Logf("%s noticed:\n%s", c.Name, r)
	}
}

// bare is a store that can do no more than it must.
type bare struct{ store.Store }

// TestWhatCannotBeCheckedIsSaid leaves out every option and every optional
// interface: the checks that need one are skipped and name it.
func TestWhatCannotBeCheckedIsSaid(t *testing.T) {
	s := newSettings(func(t *testing.T) store.Store {
		t.Helper()
		return bare{newModel(none)}
	}, []Option{InBubble()})
	want := map[string]string{
		"VersionsGrowAcrossRestart":   "WithRestart",
		"VersionsGrowAcrossClockStep": "WithClockStep",
		"LostReplies":                 "WithRepeatedDelivery",
		"HeadsAreNeverEvicted":        "WithRoomForRecords",
		"FullStoreRefusesCreate":      "WithRoomForRecords",
		"RoomComesBack":               "WithRoomForRecords",
		"ReplaceNeverFailsForRoom":    "neither WithRoomForRecords nor WithRoomForBodies",
		"BodiesAreDroppedAndSaidSo":   "WithRoomForBodies",
		"WatchWakesOnReplace":         "store.Watcher",
		"WatchWakesOnDelete":          "store.Watcher",
		"WatchWakesOnExpiry":          "store.Watcher",
		"WatchOfWhatIsGone":           "store.Watcher",
		"WatchEndsWithItsContext":     "store.Watcher",
		"WatchWakesEverybody":         "store.Watcher",
		"SweepChangesNothingVisible":  "store.Sweeper",
		"ClosedStoreSaysSo":           "no Close",
	}
	for _, c := range checks {
		t.Run(c.Name, func(t *testing.T) {
			r := observe(t, c, s)
			reason, skips := want[c.Name]
			if r.failed || r.skipped != skips || !strings.Contains(r.String(), reason) {
				t.Errorf("failed: %v, skipped: %v; want it skipped: %v, for want of %q:\n%s", r.failed, r.skipped, skips, reason, r)
			}
		})
	}
}

// twice delivers each call twice and returns the second reply.
type twice struct{ store.Store }

func (s twice) Create(ctx context.Context, key string, r store.Record) (store.Record, bool, error) {
	_, _, _ = s.Store.Create(ctx, key, r)
	return s.Store.Create(ctx, key, r)
}

func (s twice) Replace(ctx context.Context, key string, version uint64, r store.Record) (store.Record, bool, error) {
	_, _, _ = s.Store.Replace(ctx, key, version, r)
	return s.Store.Replace(ctx, key, version, r)
}

func (s twice) Delete(ctx context.Context, key string, version uint64) (bool, error) {
	_, _ = s.Store.Delete(ctx, key, version)
	return s.Store.Delete(ctx, key, version)
}
