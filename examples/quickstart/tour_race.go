package main

import (
	"fmt"
	"net/http"
	"sync"

	"github.com/concordhttp/concord/middleware/problem"
)

// writers is how many clients race.
const writers = 16

// race has many clients write at once, all with the same tag. Judging it and
// running the handler is one step, so exactly one of them can be right.
func race(t *tour) {
	read := t.step("Sixteen clients hold this version. All write now, at once.",
		get("/documents/1"),
		want{status: 200, fields: []string{"ETag"}})
	if t.failed != nil {
		return
	}
	t.steps++
	write := func(n int) request {
		doc := Document{Title: "Shopping", Body: fmt.Sprintf("Writer %d was here.", n)}
		return put("/documents/1", doc, ifMatch(read.tag()))
	}
	t.paper.request(t.base, write(1))
	t.paper.note("... and writers 2 to %d, at the same time", writers)

	answers, errs := t.atOnce(writers, write)
	var won, lost []answer
	for i, a := range answers {
		switch {
		case errs[i] != nil:
			t.fail(write(i+1), errs[i].Error())
		case a.code == http.StatusOK:
			won = append(won, a)
		case (want{status: 412, kind: problem.KindVersionMismatch}).compare(a) == "":
			lost = append(lost, a)
		default:
			t.fail(write(i+1), "answered "+a.status+", expected 200 or 412")
		}
	}
	t.paper.note("%3d x 200 OK\n%3d x 412 Precondition Failed", len(won), len(lost))
	if len(won) != 1 {
		t.fail(write(1), fmt.Sprintf("%d writers of one version were let through, expected 1", len(won)))
		return
	}
	t.paper.says("One of them wrote. The others know that they did not.")

	t.step("And it is the winner's text that stands.",
		get("/documents/1"),
		want{status: 200, exactly: &won[0]})
}

// atOnce sends n requests, each in a goroutine of its own, as nearly at the same
// time as can be, and returns when all are answered.
func (t *tour) atOnce(n int, write func(n int) request) ([]answer, []error) {
	answers, errs := make([]answer, n), make([]error, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			answers[i], errs[i] = t.send(write(i + 1))
		})
	}
	close(start)
	all.Wait()
	return answers, errs
}
