package lease

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDecide(t *testing.T) {
	idle := term{renewAt: 30, stop: 80, ends: 1000}
	last := term{renewAt: 30, stop: 80, ends: 50}
	short := term{renewAt: 30, stop: 80, ends: 20}
	for name, c := range map[string]struct {
		term     term
		now      instant
		renewing bool
		step     step
		next     instant
	}{
		"nothing is due before the renewal":       {idle, 29, false, wait, 30},
		"the renewal is due to the instant":       {idle, 30, false, renew, 80},
		"or late":                                 {idle, 79, false, renew, 80},
		"one renewal at a time":                   {idle, 40, true, wait, 80},
		"the owner stops to the instant":          {idle, 80, false, lose, 80},
		"also while a renewal is under way":       {idle, 80, true, lose, 80},
		"MaxRun may come before the stop":         {last, 30, false, renew, 50},
		"and ends it to the instant":              {last, 50, false, exhaust, 50},
		"MaxRun may come before any renewal":      {short, 0, false, wait, 20},
		"both at once is MaxRun, which is why":    {term{renewAt: 30, stop: 80, ends: 80}, 80, false, exhaust, 80},
		"a process that slept through all of it":  {idle, 5000, false, exhaust, 5000},
		"a renewal that failed is tried later on": {term{renewAt: 45, stop: 80, ends: 1000}, 44, false, wait, 45},
		"no later than the stop":                  {term{renewAt: 95, stop: 80, ends: 1000}, 44, false, wait, 80},
	} {
		t.Run(name, func(t *testing.T) {
			step, next := c.term.decide(c.now, c.renewing)
			require.Equal(t, c.step, step)
			require.Equal(t, c.next, next)
		})
	}
}
