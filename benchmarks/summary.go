package main

import (
	"fmt"
	"strings"
)

// summary is the table in short, a line for each request: what Concord's layers
// and others add to the bare handler of their framework, without a network.
func summary(all []*entry) string {
	var b strings.Builder
	line(&b, summaryColumns)
	b.WriteString("|---|---|---|\n")
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].scenario == all[0].scenario {
			n++
		}
		line(&b, shortly(all[:n]))
		all = all[n:]
	}
	return b.String()
}

var summaryColumns = []string{"request", "Concord adds", "others add"}

// shortly is the line of a scenario with these entries. Of a crowd it has what all
// take together: what is saved there is the work.
func shortly(entries []*entry) []string {
	var ours, others []string
	s := entries[0].scenario
	for _, e := range entries {
		switch name, concords := strings.CutPrefix(e.name, "Concord"); {
		case e.bare == nil && s.readers == 0:
		case concords:
			ours = append(ours, strings.TrimLeft(name, "', s")+" "+e.adds())
		default:
			others = append(others, e.name+" "+e.adds())
		}
	}
	return []string{s.name, strings.Join(ours, "; "), strings.Join(others, "; ")}
}

func (e *entry) adds() string {
	h := e.handler
	switch {
	case h.nanoseconds == 0:
		return ""
	case e.bare == nil || e.scenario.readers > 0:
		return fmt.Sprintf("%s in all", duration(h.nanoseconds))
	}
	return fmt.Sprintf("%s (%s)", duration(h.nanoseconds-e.bare.handler.nanoseconds), count(h.allocs))
}
