package idempotency

import "sync/atomic"

// tenths is what one retry costs of the budget, of which each request earns one.
const tenths = 10

// budget bounds the retries of all requests together, so that clients do not keep
// a server down that cannot keep up as it is. The zero value is full.
type budget struct{ spent atomic.Int64 }

// earn is called once for each operation.
func (b *budget) earn() { b.add(1) }

// giveBack is called for an operation that was answered after this many retries:
// a server that answers is not kept down by them, and those who only met each
// other, or a lost packet, are not to use up what outages are bounded by.
func (b *budget) giveBack(retries int) {
	if retries > 0 {
		b.add(int64(retries) * tenths)
	}
}

func (b *budget) add(n int64) {
	for {
		spent := b.spent.Load()
		if spent == 0 || b.spent.CompareAndSwap(spent, max(0, spent-n)) {
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
