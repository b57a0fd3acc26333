package clients

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/internal/testserver"
)

// patience is how long a client that is a program may take.
const patience = time.Minute

// run runs a program to its end, and returns what it wrote and the status with
// which it ended. It knows no settings of whoever runs the test, proxies among
// them.
func run(t *testing.T, program string, args ...string) (said string, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, testserver.OnPath(t, program), args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	var stdout bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, t.Output()
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	var ended *exec.ExitError
	if !errors.As(err, &ended) {
		require.NoError(t, err)
	}
	require.NoError(t, ctx.Err(), "%s was ended", program)
	return stdout.String(), cmd.ProcessState.ExitCode()
}

// script runs a script that prints one JSON value, into which result points.
func script(t *testing.T, result any, program string, args ...string) {
	t.Helper()
	said, status := run(t, program, args...)
	require.Zero(t, status, said)
	require.NoError(t, json.Unmarshal([]byte(said), result), said)
}

// problemRead is what scripts print of a problem.
type problemRead struct {
	Type      string
	Status    int
	Detail    string
	Retryable bool

	FailedField  string   `json:"failed_field"`
	CurrentETag  string   `json:"current_etag"`
	WantedFields []string `json:"wanted_fields"`
}
