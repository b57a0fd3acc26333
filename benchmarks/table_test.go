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

const readme = "../README.md"

// TestTheREADMEQuotesThisProgram: its rows are those that are printed now, if
// with the numbers of another day, and what it says of contenders is what was run.
func TestTheREADMEQuotesThisProgram(t *testing.T) {
	content, err := os.ReadFile(readme)
	require.NoError(t, err)
	lines := strings.Split(string(content), "\n")
	head := slices.IndexFunc(lines, func(l string) bool { return slices.Equal(cellsOf(l), columns) })
	require.Positive(t, head, "the table is there")
	var want, got []string
	for _, s := range scenarios() {
		for _, c := range s.contenders {
			want = append(want, s.name+" | "+c.name)
		}
	}
	for _, l := range lines[head+2:] {
		cells := cellsOf(l)
		if cells == nil {
			break
		}
		require.Len(t, cells, len(columns), l)
		got = append(got, cells[0]+" | "+cells[1])
	}
	assert.Equal(t, want, got)
	assert.Contains(t, string(content), claimsTable())
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
