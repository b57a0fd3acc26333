package memory

import (
	"math"
	"slices"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// bodies is the order in which the entries of a shard that have a body were
// last used. It is bounded by bytes, see [Store.makeRoom], not by entries.
type bodies = simplelru.LRU[*entry, struct{}]

func newBodies() *bodies {
	b, err := simplelru.NewLRU[*entry, struct{}](math.MaxInt, nil)
	if err != nil {
		panic(err) // it refuses sizes that are not positive, and nothing else
	}
	return b
}

// setBody gives e a body in place of the one it has. Capacity is cut off, so
// that a reader's append copies instead of writing where others read.
func (h *shard) setBody(e *entry, body []byte) {
	h.clearBody(e)
	size := int64(len(body))
	if e.dropped = size > h.room.maxBodyBytes; e.dropped {
		return
	}
	e.body = slices.Clip(body)
	if size > 0 {
		h.room.bodyBytes.Add(size)
		h.bodies.Add(e, struct{}{})
	}
}

// clearBody takes e's body away, and says nothing of it.
func (h *shard) clearBody(e *entry) {
	if size := int64(len(e.body)); size > 0 {
		h.room.bodyBytes.Add(-size)
		h.bodies.Remove(e)
	}
	e.body = nil
}

// dropBody drops the body that was not used for longest, but not that of
// spared, and reports whether there was one to drop.
func (h *shard) dropBody(spared *entry) bool {
	oldest, _, found := h.bodies.GetOldest()
	if found && oldest == spared {
		// Whoever spares a body has just used it. So it is the oldest only
		// where it is alone, or where others were used since: try again then.
		h.bodies.Get(spared)
		oldest, _, found = h.bodies.GetOldest()
	}
	if !found || oldest == spared {
		return false
	}
	h.clearBody(oldest)
	oldest.dropped = true
	return true
}

// makeRoom drops bodies, the least recently used of one shard after another,
// until those that remain fit; not that of spared, which was just written and
// fits by itself.
//
// Each call takes a turn to begin with another shard, and then walks all of
// them by itself: of calls that shared their steps each would see some of the
// shards, and none of them the body that the other spares. Whoever writes last
// sees every other body, and so the limit holds once all calls have returned.
func (s *Store) makeRoom(spared *entry) {
	if !s.room.short() {
		return
	}
	next := s.turn.Add(1)
	for idle := 0; s.room.short() && idle < len(s.shards); next++ {
		h := &s.shards[next&s.mask]
		if h.giveBody(spared) {
			idle = 0
		} else {
			idle++
		}
	}
}

// giveBody makes this shard's contribution to [Store.makeRoom]: what has
// expired goes before what is still of use. It reports whether there was any.
func (h *shard) giveBody(spared *entry) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	return h.reap(h.clock.now(), reapedPerWrite) > 0 || h.dropBody(spared)
}
