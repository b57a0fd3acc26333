package linearize

import (
	"errors"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// TestVersionsGrowFromChunkToChunk lets a record be created and deleted within
// one chunk, so that no look at its end shows the version it had, and then
// created again in the next.
func TestVersionsGrowFromChunkToChunk(t *testing.T) {
	o := Options{Clients: 1, Keys: 1, Patience: time.Minute}
	for name, row := range map[string]struct {
		version uint64
		want    error
	}{
		"with a greater version": {version: 101},
		"with the same version":  {version: 100, want: errNotLinearizable},
		"with a smaller version": {version: 99, want: errNotLinearizable},
	} {
		t.Run(name, func(t *testing.T) {
			chunk := inTurn(
				call{kind: create, nonce: 1}, reply{ok: true, version: 100, nonce: 1},
				call{kind: remove, version: 100}, reply{ok: true},
				call{kind: get}, reply{}, // the look at the end
			)
			before := make([]register, o.Keys)
			if err := judge(before, chunk, o); err != nil {
				t.Fatal(err)
			}
			before = states(before, chunk)
			for range 2 { // a chunk in which nothing happens forgets nothing
				before = states(before, inTurn(call{kind: get}, reply{}))
			}
			next := inTurn(call{kind: create, nonce: 2}, reply{ok: true, version: row.version, nonce: 2})
			if err := judge(before, next, o); !errors.Is(err, row.want) {
				t.Fatalf("error %v; want %v", err, row.want)
			}
		})
	}
}

// inTurn is the history of calls and replies, one after another.
func inTurn(steps ...any) (history []porcupine.Operation) {
	for i := 0; i < len(steps); i += 2 {
		asked, got := as[call](steps[i]), as[reply](steps[i+1])
		history = append(history, porcupine.Operation{Input: &asked, Output: &got, Call: int64(i), Return: int64(i + 1)})
	}
	return history
}
