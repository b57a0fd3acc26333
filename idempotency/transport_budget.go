package idempotency

import "sync/atomic"

// tenths is what one retry costs of the budget, of which each request earns one.
const tenths = 10

// budget bounds the retries of all requests together, so that clients do not keep
// a server down that cannot keep up as it is. The zero value is full.
type budget struct{ spent atomic.Int64 }

// earn is called once for each operation.
func (b *budget) earn() {
	for {
		spent := b.spent.Load()
		if spent == 0 || b.spent.CompareAndSwap(spent, spent-1) {
			return
		}
	}
}

// take takes one retry, if there is one left of burst.
func (b *budget) take(burst int) bool {
	for {
		spent := b.spent.Load()
		if spent > (int64(burst)-1)*tenths {
			return false
		}
		if b.spent.CompareAndSwap(spent, spent+tenths) {
			return true
		}
	}
}
