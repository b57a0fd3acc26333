package storetest

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"strings"
	"time"

	"github.com/concordhttp/concord/store"
)

// fault is what is wrong with a model. Each is something that a store could
// well ship with.
type fault string

const (
	none fault = ""

	replaceShowsNoVersion    fault = "what Replace returns has no version"
	createOverwrites         fault = "Create overwrites a standing record"
	failedConditionIsAnError fault = "a condition that does not hold is an error"
	replaceIgnoresVersion    fault = "Replace does not compare versions"
	deleteIgnoresVersion     fault = "Delete does not compare versions"
	deleteDoesNothing        fault = "Delete says true and leaves the record"
	loserSeesNothing         fault = "the loser gets an empty record"
	loserSeesNoBody          fault = "the loser gets the head alone"
	loserSeesNoDrop          fault = "the loser is not told that a body was dropped"

	visibleAtTheInstant fault = "a record stands at the very instant it expires"
	zeroTTLIsForEver    fault = "a time to live of zero means for ever"
	replaceLosesTTL     fault = "what Replace wrote never expires"
	replaceIgnoresTTL   fault = "what Replace wrote expires when the first version would have"
	ageOfCreation       fault = "Age counts from the first version"
	shortTTLIsForEver   fault = "less than a millisecond to live is cut off to zero, which means for ever"
	longTTLWraps        fault = "more than 30 days to live is read as a date that has passed"

	versionsRestartAfterDelete fault = "versions start again after Delete"
	versionsRestartAfterExpiry fault = "versions start again after expiry"
	versionsRestartAfterSweep  fault = "versions start again after Sweep"
	versionsRestartWithStore   fault = "versions start again with the store"
	versionsAreTheClock        fault = "versions are the clock, which stands still at times"
	versionsForgottenAtOnce    fault = "versions are the clock where nothing stands, and forgotten with their record"
	versionsDrawnTooEarly      fault = "versions are drawn before the key is locked"

	getThenCreate            fault = "Create looks, and then writes"
	getThenCreateAfterExpiry fault = "Create looks, and then writes, if garbage is in the way"
	getThenReplace           fault = "Replace looks, and then writes"
	getThenDelete            fault = "Delete looks, and then deletes"

	keysAreFolded         fault = "keys are compared without case"
	keysEndAtNUL          fault = "keys end at the first NUL"
	keysAreTrimmed        fault = "blanks at the end of keys do not count"
	longKeysAreCut        fault = "keys are cut off at 512 bytes"
	valuesAreTrimmed      fault = "zero bytes at the end of bodies are lost"
	outFieldsAreKept      fault = "Dropped of a record that is passed is believed"
	outFieldsAreRefused   fault = "Replace refuses a record that says another version, or an Age"
	deleteHitsANeighbour  fault = "Delete removes another key too"
	memoryIsUsedAgain     fault = "the next version is written into the slices of the last"
	callersCapacityIsUsed fault = "the store appends to a slice of the caller"

	contentionIsAnError fault = "a Create that meets another fails with 40001"

	createKnowsItsOwn       fault = "Create delivered twice is true twice, and writes twice"
	endedContextIsIgnored   fault = "a context that has ended is ignored"
	cancelledCallTearsApart fault = "a call that is cancelled under way leaves the head alone"

	headsAreEvicted       fault = "a full store makes room by dropping records"
	bodiesAreLostSilently fault = "a dropped body is not said to be dropped"
	replaceDropsSilently  fault = "a body that Replace wrote is dropped without a word"
	replaceIsFull         fault = "Replace fails with ErrFull"
	replaceIsFullOfHeads  fault = "Replace fails with ErrFull if the head grew"
	createIsNeverFull     fault = "there is no limit"
	expiredTakesRoom      fault = "what has expired takes up room for ever"

	changesWakeNobody        fault = "Watch does not hear of changes"
	changesWakeOne           fault = "of those who watch, one hears of a change"
	deleteWakesNobody        fault = "Watch does not hear of Delete"
	watchSleepsThroughExpiry fault = "Watch does not hear of expiry"
	watchOfGoneSleeps        fault = "Watch of what is gone waits for the next change"
	watchIgnoresItsContext   fault = "Watch ignores its context"
	closeWakesNobody         fault = "Close leaves watchers asleep"
	closedLooksEmpty         fault = "a closed store looks empty"
	sweepRemovesTheLiving    fault = "Sweep removes what stands"
	sweepRemovesByKey        fault = "Sweep looks, and then removes what stands by then"
	recordsAreMixedUp        fault = "now and then a version is shown with another head"
)

// check is what the model says of arguments.
func (m *model) check(key string, r store.Record) error {
	if m.fault == zeroTTLIsForEver && r.TTL <= 0 {
		r.TTL = 1
	}
	return store.Check(m.longKey(key), r)
}

func (m *model) longKey(key string) string {
	if m.fault == longKeysAreCut && len(key) > store.MaxKey {
		return key[:store.MaxKey]
	}
	return key
}

// keyOf is the key that the model goes by.
func (m *model) keyOf(key string) string {
	switch m.fault {
	case keysAreFolded:
		return strings.ToLower(key)
	case keysEndAtNUL:
		return cutOff(key)
	case keysAreTrimmed:
		return strings.TrimRight(key, " \t\n")
	}
	return m.longKey(key)
}

func (m *model) absentIfClosed(err error) (store.Record, bool, error) {
	if m.fault == closedLooksEmpty && errors.Is(err, store.ErrClosed) {
		err = nil
	}
	return store.Record{}, false, err
}

// overwrites reports whether Create may write over k.
func (m *model) overwrites(k *kept, r store.Record) bool {
	return m.fault == createOverwrites ||
		m.fault == createKnowsItsOwn && bytes.Equal(k.Head, r.Head)
}

// loser is what a loser is shown of k.
func (m *model) loser(k *kept) store.Record {
	r := m.show(k)
	switch m.fault {
	case loserSeesNothing:
		return store.Record{}
	case loserSeesNoBody:
		r.Body = nil
	case loserSeesNoDrop:
		r.Dropped = false
	}
	return r
}

func (m *model) conditionFailed() error {
	if m.fault == failedConditionIsAnError {
		return errors.New("record not found, or found")
	}
	return nil
}

func (m *model) drawEarly() uint64 {
	if m.fault != versionsDrawnTooEarly {
		return 0
	}
	m.mu.Lock()
	m.drawn++
	drawn := m.drawn
	m.mu.Unlock()
	for range 4 {
		runtime.Gosched()
	}
	return drawn
}

func (m *model) nextVersion(key string, now time.Time, drawn uint64) uint64 {
	micros := uint64(now.Add(m.stepped).UnixMicro())
	switch m.fault {
	case versionsDrawnTooEarly:
		return drawn
	case versionsAreTheClock:
		return micros
	case versionsRestartAfterDelete, versionsRestartAfterSweep, versionsRestartWithStore:
		return m.versions[key] + 1
	case versionsRestartAfterExpiry:
		if m.records[key] != nil && m.standing(key) == nil {
			return 1
		}
		return m.versions[key] + 1
	}
	return max(m.versions[key]+1, micros)
}

func (m *model) timeToLive(old *kept, ttl time.Duration) time.Duration {
	const forEver = 1000 * time.Hour
	switch {
	case m.fault == zeroTTLIsForEver && ttl <= 0, m.fault == replaceLosesTTL && old != nil:
		return forEver
	case m.fault == replaceIgnoresTTL && old != nil:
		return time.Until(old.deadline)
	case m.fault == shortTTLIsForEver && ttl < time.Millisecond:
		return forEver
	case m.fault == longTTLWraps && ttl > 30*24*time.Hour:
		return 1
	}
	return ttl
}

// refusal is why Replace of k by r fails, if it does.
func (m *model) refusal(k *kept, r store.Record) error {
	grew := len(r.Head) > len(k.Head)+200
	switch {
	case m.fault == replaceIsFull && len(r.Body) > m.maxBody/4,
		m.fault == replaceIsFullOfHeads && grew && len(m.records) >= m.maxRecords:
		return store.ErrFull
	case m.fault == outFieldsAreRefused && (r.Version != 0 && r.Version != k.Version || r.Age != 0):
		return errors.New("the record is another one")
	}
	return nil
}

// silent reports whether nobody is told that the body of k is dropped.
func (m *model) silent(k *kept) bool {
	return m.fault == bodiesAreLostSilently || m.fault == replaceDropsSilently && k.replaced
}

// useAgain lets the next version live in the memory of the last.
func (m *model) useAgain(old, next *kept) {
	if m.fault == memoryIsUsedAgain {
		next.Head = append(old.Head[:0], next.Head...)
		next.Body = append(old.Body[:0], next.Body...)
	}
}

// spoil does what is wrong with what was written.
func (m *model) spoil(ctx context.Context, k *kept, passed store.Record) {
	switch m.fault {
	case valuesAreTrimmed:
		k.Body = []byte(strings.TrimRight(string(k.Body), "\x00"))
	case callersCapacityIsUsed:
		_ = append(k.Body, "trailer"...)
	case cancelledCallTearsApart:
		for range 16 {
			runtime.Gosched()
		}
		if ctx.Err() != nil {
			k.Body = nil
		}
	case outFieldsAreKept:
		k.Dropped = passed.Dropped
	case recordsAreMixedUp:
		if k.Version%7 == 0 {
			k.Head = []byte("another head")
		}
	}
}

// leave is the end of a step that wrote.
func (m *model) leave(ctx context.Context, key string) error {
	if m.fault == cancelledCallTearsApart && m.records[key].Body == nil {
		return ctx.Err()
	}
	return nil
}

// deleted is what else happens when a key is deleted.
func (m *model) deleted(key string) {
	switch m.fault {
	case versionsRestartAfterDelete, versionsForgottenAtOnce:
		delete(m.versions, key)
	case deleteHitsANeighbour:
		for other := range m.records {
			if len(other) == len(key) {
				delete(m.records, other)
				break
			}
		}
	}
}
