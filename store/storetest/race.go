package storetest

import (
	"sync"

	"github.com/concordhttp/concord/store"
)

// answer is what a racer got.
type answer struct {
	racer    int
	standing store.Record
	won      bool
	err      error
}

// race lets n racers take one step each, all at once, and returns their answers
// in the racers' order. The step must not end the check, which would only end
// its own goroutine.
func race(n int, step func(racer int) (store.Record, bool, error)) []answer {
	answers := make([]answer, n)
	start := make(chan struct{})
	var racers sync.WaitGroup
	for i := range n {
		racers.Go(func() {
			<-start
			standing, won, err := step(i)
			answers[i] = answer{i, standing, won, err}
		})
	}
	close(start)
	racers.Wait()
	return answers
}

// winner returns the answer of the only one that won, and ends the check if
// that is not so or if one failed.
func (e *env) winner(what string, answers []answer) answer {
	e.Helper()
	var winners []int
	for _, a := range answers {
		e.noError(a.err, "%s: racer %d of %d", what, a.racer, len(answers))
		if a.won {
			winners = append(winners, a.racer)
		}
	}
	if len(winners) != 1 {
		e.Fatalf("%s: racers %v of %d won; want exactly one", what, winners, len(answers))
	}
	return answers[winners[0]]
}
