package concord_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
)

// A Stack whose routes do not collapse did not see their writes either, so that
// reads on the one it was made of went on to join runs from before them.
func TestWritesOfAStackThatDoesNotCollapseAreSeenByOneThatDoes(t *testing.T) {
	off := func(c *concord.Config) { c.Off = concord.LayerCollapse }
	on := func(c *concord.Config) { c.Off = 0 }
	for name, c := range map[string]struct {
		first         concord.Layers // that are off
		changes       []func(*concord.Config)
		reads, writes int // which of the Stacks, in the order in which they were made
	}{
		"on the Stack that it was made of":   {0, []func(*concord.Config){off}, 0, 1},
		"on one that was made of it":         {concord.LayerCollapse, []func(*concord.Config){on}, 1, 0},
		"on one that lies two steps from it": {0, []func(*concord.Config){off, off}, 0, 2},
		"on another side of it":              {0, []func(*concord.Config){off, on}, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := one()
				p.slow = time.Second
				stacks := []*concord.Stack{newStack(t, concord.Config{Off: c.first})}
				for _, change := range c.changes {
					next, err := stacks[len(stacks)-1].With(change)
					require.NoError(t, err)
					stacks = append(stacks, next)
				}
				reads, writes := stacks[c.reads].Handler(p), stacks[c.writes].Handler(p)
				before := start(reads, request(http.MethodGet, ""))
				synctest.Wait()
				require.Equal(t, http.StatusOK, send(writes, request(http.MethodPut, "two")).Code)
				after := start(reads, request(http.MethodGet, ""))
				assert.Equal(t, "one", before().Body.String())
				assert.Equal(t, "two", after().Body.String())
			})
		})
	}
}

func TestMistakesInALayerThatIsOffAreNone(t *testing.T) {
	c := concord.Config{Principal: concord.DangerouslyShared, Off: concord.LayerCollapse}
	c.Collapse.MaxBody = -1
	_, err := concord.New(c)
	assert.NoError(t, err)
}
