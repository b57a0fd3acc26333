package drivertest

import (
	"bufio"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
)

// What tells a process of this test that it is the owner who is stopped.
const (
	frozenDriver = "CONCORD_FROZEN_DRIVER"
	frozenSource = "CONCORD_FROZEN_SOURCE"
	frozenWhere  = "CONCORD_FROZEN_WHERE"
)

func shortLease(c *idempotency.Config) { c.Lease = 2 * time.Second }

// detached is a testing.TB of a process that is not a test. It ends that at once.
type detached struct{ testing.TB }

func (detached) Helper()        {}
func (detached) Cleanup(func()) {}
func (d detached) Errorf(format string, args ...any) {
	fmt.Printf(format+"\n", args...)
	os.Exit(1)
}
func (detached) FailNow() { os.Exit(1) }

// freezing is the process that is stopped: it serves one request, says where it
// has come to, waits to be told to go on, and says what it answered.
func freezing(name, source, where string) {
	var t detached
	in := bufio.NewReader(os.Stdin)
	pause := func() {
		fmt.Println("here")
		_, _ = in.ReadString('\n')
	}
	for _, d := range databases {
		if d.name != name {
			continue
		}
		b := d.bankAt(t, source)
		v := b.serve(t, func(w http.ResponseWriter, r *http.Request, tx *sql.Tx, run int) {
			if _, err := tx.ExecContext(r.Context(), b.insert(run)); err != nil {
				fail(w, r, err)
				return
			}
			if where == "the handler" {
				pause()
			}
			charged(w, run)
		}, shortLease)
		b.spy.atCommit(func(commit func() error, _ func()) error {
			if where == "the commit" {
				pause()
			}
			return commit()
		})
		w := post(v, "k")
		fmt.Println(w.Code, w.Body.String())
	}
}

// owner is that process, as its test sees it.
type owner struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// frozen starts an owner on b, and stops it where it says.
func frozen(t *testing.T, b *bank, where string) *owner {
	t.Helper()
	o := &owner{cmd: exec.Command(os.Args[0])}
	o.cmd.Env = append(os.Environ(), frozenDriver+"="+b.name, frozenSource+"="+b.source, frozenWhere+"="+where)
	o.cmd.Stderr = os.Stderr
	var err error
	o.in, err = o.cmd.StdinPipe()
	require.NoError(t, err)
	out, err := o.cmd.StdoutPipe()
	require.NoError(t, err)
	o.out = bufio.NewReader(out)
	require.NoError(t, o.cmd.Start())
	t.Cleanup(func() {
		_ = o.cmd.Process.Kill()
		_ = o.cmd.Wait()
	})
	require.Equal(t, "here", o.line(t))
	require.NoError(t, o.cmd.Process.Signal(syscall.SIGSTOP))
	return o
}

func (o *owner) line(t *testing.T) string {
	t.Helper()
	line, err := o.out.ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(line)
}

// thaw lets it go on, and returns what it answers.
func (o *owner) thaw(t *testing.T) string {
	t.Helper()
	require.NoError(t, o.cmd.Process.Signal(syscall.SIGCONT))
	_, err := io.WriteString(o.in, "\n")
	require.NoError(t, err)
	return o.line(t)
}

func TestFrozenOwnerDoesNotBlockTakeover(t *testing.T) {
	for _, d := range []database{pgxPostgres, pqPostgres, mariaDB} {
		for _, where := range []string{"the handler", "the commit"} {
			t.Run(d.name+", stopped in "+where, func(t *testing.T) {
				t.Parallel()
				b := newBank(t, d)
				v := b.serve(t, func(w http.ResponseWriter, r *http.Request, tx *sql.Tx, run int) {
					b.charging(w, r, tx, 100+run)
				}, shortLease)
				o := frozen(t, b, where)
				assert.Equal(t, http.StatusConflict, post(v, "k").Code, "its lease is not over")
				time.Sleep(2300 * time.Millisecond) // now it is
				began := time.Now()
				w := post(v, "k")
				assertCharge(t, w, 101)
				if where == "the handler" {
					assert.Less(t, time.Since(began), time.Second, "it waits for no lock")
				}
				assert.Contains(t, o.thaw(t), "charge 101", "it answers what stands")
				assert.Equal(t, 1, b.charges(t))
			})
		}
	}
}
