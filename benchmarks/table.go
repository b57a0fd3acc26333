package main

import (
	"fmt"
	"strings"
	"time"
)

// columns of the table. The first two name a row, and stand in the README too.
var columns = []string{
	"request", "answered by", "handler", "over bare", "× bare", "× Concord", "bytes", "allocs", "runs",
	"requests/s", "of bare", "p50", "p99",
}

// table is all that was measured, in Markdown.
func table(all []*entry) string {
	var b strings.Builder
	line(&b, columns)
	fmt.Fprintf(&b, "|---|---%s|\n", strings.Repeat("|--:", len(columns)-2))
	for _, e := range all {
		line(&b, e.cells())
	}
	return b.String()
}

func line(b *strings.Builder, cells []string) {
	fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
}

// cells is e's row. What was not measured, or has nothing to be compared with, is
// left empty.
func (e *entry) cells() []string {
	cells := make([]string, len(columns))
	cells[0], cells[1] = e.scenario.name, e.name
	if h := e.handler; h.nanoseconds > 0 {
		cells[2] = duration(h.nanoseconds)
		cells[5] = ratio(h.nanoseconds / e.concord.handler.nanoseconds)
		cells[6], cells[7] = fmt.Sprintf("%.0f", h.bytes), count(h.allocs)
		cells[8] = count(h.runs)
		if e.bare != nil {
			over := h.nanoseconds - e.bare.handler.nanoseconds
			cells[3] = duration(over)
			cells[4] = ratio(h.nanoseconds / e.bare.handler.nanoseconds)
		}
	}
	if s := e.socket; s.rate > 0 {
		cells[9] = thousands(s.rate)
		cells[11], cells[12] = duration(float64(s.p50)), duration(float64(s.p99))
		if e.bare != nil {
			cells[10] = fmt.Sprintf("%.0f %%", 100*s.rate/e.bare.socket.rate)
		}
	}
	return cells
}

// duration is one of ns, in three digits at most.
func duration(ns float64) string {
	sign := ""
	if ns < 0 {
		sign, ns = "−", -ns
	}
	for _, unit := range []struct {
		name string
		ns   time.Duration
	}{{"ms", time.Millisecond}, {"µs", time.Microsecond}} {
		if ns >= 0.9995*float64(unit.ns) {
			return sign + digits(ns/float64(unit.ns)) + " " + unit.name
		}
	}
	return fmt.Sprintf("%s%.0f ns", sign, ns)
}

// ratio is one in three digits at most.
func ratio(r float64) string { return digits(r) }

// digits is x in three digits at most.
func digits(x float64) string {
	switch {
	case x >= 99.95:
		return fmt.Sprintf("%.0f", x)
	case x >= 9.995:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// count is a number of things, a whole one if it is close to one.
func count(x float64) string {
	if x < 10 && x-float64(int(x)) > 0.05 && float64(int(x+1))-x > 0.05 {
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.0f", x)
}

// thousands is a rate, in thousands.
func thousands(rate float64) string { return digits(rate/1000) + " k" }
