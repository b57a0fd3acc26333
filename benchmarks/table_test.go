package main

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNumbersAreShort(t *testing.T) {
	for ns, want := range map[float64]string{
		0: "0 ns", 7.6: "8 ns", 999: "999 ns", 999.6: "1.00 µs", 1236: "1.24 µs", 33_940: "33.9 µs", 128_400: "128 µs",
		5.1e6: "5.10 ms", 1.263e8: "126 ms", -1.2e8: "−120 ms", -30: "−30 ns",
	} {
		assert.Equal(t, want, duration(ns))
	}
	for x, want := range map[float64]string{0: "0", 0.5: "0.5", 1.01: "1", 3.98: "4", 17.4: "17"} {
		assert.Equal(t, want, count(x))
	}
	assert.Equal(t, "42.1 k", thousands(42_130))
}

func TestRowsAreComparedWithTheirBareOneAndWithConcord(t *testing.T) {
	s := &scenario{name: "a request"}
	bare := &entry{scenario: s, contender: contender{name: "bare"}}
	ours := &entry{scenario: s, contender: contender{name: "Concord"}, bare: bare}
	bare.concord, ours.concord = ours, ours
	bare.handler = handlerResult{nanoseconds: 20, runs: 1}
	ours.handler = handlerResult{nanoseconds: 50, bytes: 96, allocs: 2}
	bare.socket = socketResult{rate: 40_000, p50: 90 * time.Microsecond, p99: 2 * time.Millisecond}
	ours.socket = socketResult{rate: 30_000, p50: 100 * time.Microsecond, p99: 3 * time.Millisecond}
	assert.Equal(t, []string{"a request", "bare", "20 ns", "", "", "0.40", "0", "0", "1", "40.0 k", "", "90.0 µs", "2.00 ms"}, bare.cells())
	assert.Equal(t, []string{"a request", "Concord", "50 ns", "30 ns", "2.50", "1.00", "96", "2", "0", "30.0 k", "75 %", "100 µs", "3.00 ms"}, ours.cells())
	ours.name = "Concord's etag"
	peer := &entry{scenario: s, contender: contender{name: "a peer"}, bare: bare, handler: handlerResult{nanoseconds: 1020, allocs: 9}}
	all := []*entry{bare, ours, peer}
	assert.Equal(t, "| a request | etag 30 ns (2) | a peer 1.00 µs (9) |", strings.Split(summary(all), "\n")[2])
	s.readers = 100
	assert.Equal(t, "| a request | etag 50 ns in all | bare 20 ns in all; a peer 1.02 µs in all |", strings.Split(summary(all), "\n")[2])
}

// TestATenthOfTheTurnsCounts: what another program takes in the others does not.
func TestATenthOfTheTurnsCounts(t *testing.T) {
	s := &served{}
	for i := range 20 {
		s.turns = append(s.turns, socketResult{rate: float64(1000 * (i + 1))})
		s.waits = append(s.waits, []time.Duration{time.Duration(20 - i)})
	}
	got := s.result()
	assert.Equal(t, socketResult{rate: 18_000, p50: 2, p99: 3}, got)
}

// TestTheREADMEsQuoteThisProgram: their rows are those that are printed now, if
// with the numbers of another day, and what they say of contenders is what was run.
func TestTheREADMEsQuoteThisProgram(t *testing.T) {
	all, err := enter(scenarios())
	require.NoError(t, err)
	assert.Equal(t, names(table(all), columns, 2), names(contentOf(t, "README.md"), columns, 2))
	assert.Contains(t, contentOf(t, "README.md"), claimsTable())
	assert.Equal(t, names(summary(all), summaryColumns, 1), names(contentOf(t, "../README.md"), summaryColumns, 1))
}

func contentOf(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(content)
}

// names are the first cells of each line of the table that has these columns.
func names(text string, columns []string, first int) (rows []string) {
	lines := strings.Split(text, "\n")
	head := slices.IndexFunc(lines, func(l string) bool { return slices.Equal(cellsOf(l), columns) })
	for _, l := range lines[head+2:] {
		cells := cellsOf(l)
		if len(cells) != len(columns) {
			break
		}
		rows = append(rows, strings.Join(cells[:first], " | "))
	}
	return rows
}

// cellsOf are those of a line of a table; nil if it is none.
func cellsOf(l string) []string {
	if !strings.HasPrefix(l, "| ") || !strings.HasSuffix(l, " |") {
		return nil
	}
	cells := strings.Split(l[2:len(l)-2], " | ")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells
}
