package main

import (
	"fmt"
	"net/http"
	"strings"
)

const (
	readers  = 20 // ask for one report at once
	patience = 5  // times that they try: on a busy machine some come late, and that is no fault
)

// collapsed has twenty ask for a report at once. It takes 200 ms, and counts its
// runs in X-Run.
func collapsed(t *tour) {
	if t.failed != nil {
		return
	}
	t.steps++
	r := as("ann", get("/reports/documents"))
	t.paper.request(t.base, r)
	t.paper.note("... and %d more of the same, at the same time\n", readers-1)

	var first answer
	runs := map[string]int{}
	for try := 0; try < patience && len(runs) != 1; try++ {
		clear(runs)
		answers, errs := t.atOnce(readers, func(int) request { return r })
		for i, a := range answers {
			if err := errs[i]; err != nil {
				t.fail(r, err.Error())
				return
			}
			if a.code != http.StatusOK {
				t.fail(r, "answered "+a.status+", expected 200")
				return
			}
			runs[a.header.Get("X-Run")]++
			if strings.HasSuffix(a.header.Get("Cache-Status"), "; collapsed") {
				first = a
			}
		}
	}
	if len(runs) != 1 {
		t.fail(r, fmt.Sprintf("%d runs of the handler for %d requests, expected 1", len(runs), readers))
		return
	}
	t.shown("Twenty answers like this one, and one run of the handler.", r, first,
		want{status: 200, fields: []string{"ETag", "X-Run", "Cache-Status: concord; fwd=miss; collapsed"}, body: []string{`"documents":`}})
	t.step("Who comes later gets a run of their own: nothing is cached.", r,
		want{status: 200, fields: []string{"X-Run"}, without: []string{"Cache-Status"}})
}
