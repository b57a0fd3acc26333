package main

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// reportTime is how long a report takes.
const reportTime = 200 * time.Millisecond

// reports are expensive reads: each run of the handler takes its time.
type reports struct {
	byID map[string]func() any
	runs atomic.Int64
}

func newReports(documents *Documents, payments *Payments) *reports {
	return &reports{byID: map[string]func() any{
		"documents": func() any {
			return map[string]int{"documents": len(documents.List())}
		},
		"payments": func() any {
			charged := map[string]int64{}
			for _, made := range payments.List() {
				charged[made.Currency] += made.Amount
			}
			return charged
		},
	}}
}

// read counts its runs in the field X-Run.
func (a *reports) read(w http.ResponseWriter, r *http.Request) error {
	report, ok := a.byID[r.PathValue("id")]
	if !ok {
		http.Error(w, "there is no such report", http.StatusNotFound)
		return nil
	}
	run := a.runs.Add(1)
	if !(fault{slow: reportTime}).wait(r.Context()) {
		return tooSlow(w, "the report was given up")
	}
	w.Header().Set("X-Run", strconv.FormatInt(run, 10))
	return reply(w, http.StatusOK, report())
}
