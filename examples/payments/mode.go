package main

import (
	"fmt"

	"github.com/concordhttp/concord/idempotency"
)

// mode is what a retry gets after the server died that had the first request.
type mode string

const (
	transactional mode = "transactional" // it runs again: nothing of the first is left
	refuse        mode = "refuse"        // 409 outcome-unknown
	rerun         mode = "rerun"         // it runs again, though the first may have charged
)

func (m mode) MarshalText() ([]byte, error) { return []byte(m), nil }

func (m *mode) UnmarshalText(text []byte) error {
	switch read := mode(text); read {
	case transactional, refuse, rerun:
		*m = read
		return nil
	}
	return fmt.Errorf("there is transactional, refuse and rerun")
}

func (m mode) configure(c *idempotency.Config) {
	c.Transactional = m == transactional
	if m == rerun {
		c.Unknown = idempotency.Rerun
	}
}
