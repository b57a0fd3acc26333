package clients

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/middleware/problem"
)

// python runs the script of testdata, which prints JSON.
func python(t *testing.T, result any, args ...string) {
	t.Helper()
	script(t, result, "python3", append([]string{"-I", "testdata/urllib_client.py"}, args...)...)
}

func TestPythonPaysOnce(t *testing.T) {
	for name, test := range map[string]struct {
		fault    func(*testing.T) func(*server, *concord.Config)
		statuses []int
		replayed bool
	}{
		"though the reply is lost": {
			func(*testing.T) func(*server, *concord.Config) { return losesReply(1) }, []int{201, 201}, true,
		},
		"though it retries while the first runs": {
			func(t *testing.T) func(*server, *concord.Config) { return runsUntilRefused(t, false) }, []int{201, 409, 201}, true,
		},
		"once the store answers again": {
			func(*testing.T) func(*server, *concord.Config) { return storeIsDown(1) }, []int{503, 201}, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // some wait as long as Retry-After says
			s := newPayments(t, test.fault(t))
			var results []paid
			python(t, &results, "pay", s.URL+"/payments", "1250")
			wantPaid(t, s, test.replayed, results)
			assert.Equal(t, test.statuses, s.statuses())
		})
	}
}

func TestPythonReadsWhyAKeyIsRefused(t *testing.T) {
	s := newPayments(t, nothingElse)
	var results []paid
	python(t, &results, "pay", s.URL+"/payments", "1250", "9900")
	require.Len(t, results, 2)
	assert.Equal(t, 422, results[1].Status)
	assert.Equal(t, 1, results[1].Attempts)
	require.NotNil(t, results[1].Problem)
	assert.Equal(t, problem.DefaultTypeBase+"key-reused", results[1].Problem.Type)
}

func TestPythonOverwritesNothingUnseen(t *testing.T) {
	s := newNotes(t, nothingElse)
	var results struct {
		Again, Saved, Stale int
		Problem             *problemRead
	}
	python(t, &results, "edit", s.URL+"/notes/1")
	assert.Equal(t, 304, results.Again)
	assert.Equal(t, 200, results.Saved)
	assert.Equal(t, 412, results.Stale)
	require.NotNil(t, results.Problem)
	assert.Equal(t, problem.DefaultTypeBase+"version-mismatch", results.Problem.Type)
	assert.EqualValues(t, 1, s.runs.Load())
}
