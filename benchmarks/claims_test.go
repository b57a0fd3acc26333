package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// probe tells whether a claim holds for a contender, by running it.
type probe func(t *testing.T, who string) bool

// TestClaims runs each claim for each contender, and wants what is printed of
// it: also that a peer fails. One that has learnt something since is to be said
// to have, and one that Concord broke is a fault.
func TestClaims(t *testing.T) {
	probes := make(map[string]probe)
	for _, some := range []map[string]probe{tagProbes, writeProbes, keyProbes, shareProbes} {
		for claim, p := range some {
			assert.NotContains(t, probes, claim)
			probes[claim] = p
		}
	}
	for _, part := range parts() {
		for _, c := range part.claims {
			p, ok := probes[c.holds]
			if !assert.True(t, ok, "nothing is run for: %s", c.holds) {
				continue
			}
			delete(probes, c.holds)
			assert.Len(t, c.by, len(part.who), c.holds)
			for i, who := range part.who {
				if c.by[i] == noJob {
					continue
				}
				t.Run(who+": "+c.holds, func(t *testing.T) {
					assert.Equal(t, c.by[i] == yes, p(t, who))
				})
			}
		}
	}
	assert.Empty(t, probes, "run, and claimed nowhere")
}
