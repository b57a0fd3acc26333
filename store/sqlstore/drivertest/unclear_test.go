package drivertest

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/middleware/problem"
)

func TestUnclearCommitIsDecidedByCompareAndSet(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		t.Run("it was done, and the answer is lost", func(t *testing.T) {
			b := newBank(t, d)
			v := b.serve(t, b.charging)
			b.spy.atCommit(func(commit func() error, cut func()) error {
				err := commit()
				cut()
				return errors.Join(err, errCut)
			})
			assertCharge(t, post(v, "k"), 1)
			assert.Equal(t, 1, b.charges(t))
			assert.True(t, replayed(post(v, "k")))
		})
		t.Run("it was not done", func(t *testing.T) {
			b := newBank(t, d)
			v := b.serve(t, b.charging)
			b.spy.atCommit(func(_ func() error, cut func()) error {
				cut()
				return errCut
			})
			b.assertUndone(t, v, post(v, "k"), problem.KindStoreUnavailable)
		})
	})
}
