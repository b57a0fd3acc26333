package idempotency_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store/memory"
)

// ledgered is a document whose writes are entered into the ledger, in the
// transaction of the request.
type ledgered struct {
	document
	t *testing.T
}

func (d *ledgered) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if tx := txLedger(r.Context()); r.Method != http.MethodGet && assert.NotNil(d.t, tx, "the write has one") {
		_, err := tx.enter("k")
		assert.NoError(d.t, err, "which is open")
	}
	d.document.ServeHTTP(w, r)
}

// inOrder puts preconditions between Claim and Run, where they belong.
func inOrder(t *testing.T, s *txMemory, h http.Handler, e etag.Config) http.Handler {
	t.Helper()
	conditions, err := etag.New(e)
	require.NoError(t, err)
	l := newLayer(t, idempotency.Config{Store: s, Transactional: true})
	return l.Claim(conditions.Handler(l.Run(h)))
}

// TestAQuestionIsNoPartOfTheTransaction: the layer of preconditions asks the
// handler with the write's own context, which goes through Run. The question
// used up the transaction, and its answer became the outcome.
func TestAQuestionIsNoPartOfTheTransaction(t *testing.T) {
	for name, e := range map[string]etag.Config{
		"before the write":           {},
		"before and after the write": {TagAfterWrite: true},
	} {
		t.Run(name, func(t *testing.T) {
			s, d := newTxMemory(), &ledgered{document{text: "one"}, t}
			h := inOrder(t, s, d, e)
			tag := d.tag()
			first := send(h, put("k", "two", "If-Match", tag))
			require.Equal(t, "saved: two", first.Body.String())
			again := send(h, put("k", "two", "If-Match", tag))
			assert.True(t, replayed(again))
			assert.Equal(t, first.Code, again.Code)
			assert.Equal(t, first.Body.String(), again.Body.String())
			assert.Equal(t, 1, s.begun)
			assert.Equal(t, 1, s.count("k"))
			assert.Equal(t, 1, d.written())
		})
	}
}

// TestCorrectedRetryAfter412InATransaction: what was refused leaves the key as
// it was, although a transaction was to follow.
func TestCorrectedRetryAfter412InATransaction(t *testing.T) {
	s, d := newTxMemory(), &ledgered{document{text: "one"}, t}
	h := inOrder(t, s, d, etag.Config{})
	wantKind(t, http.StatusPreconditionFailed, problem.KindVersionMismatch, send(h, put("k", "two", "If-Match", `"stale"`)))
	assert.Zero(t, s.begun)
	corrected := send(h, put("k", "two", "If-Match", d.tag()))
	assert.Equal(t, "saved: two", corrected.Body.String())
	assert.Equal(t, 1, s.count("k"))
}

// TestATransactionAroundTheGateIsRefused: it commits after the gate has opened,
// so that of two writers with one tag both succeed.
func TestATransactionAroundTheGateIsRefused(t *testing.T) {
	s, d, saw := newTxMemory(), &ledgered{document{text: "one"}, t}, &observer{}
	shared := memory.New(memory.Config{})
	conditions, err := etag.New(etag.Config{Store: shared, Observer: saw})
	require.NoError(t, err)
	once := newLayer(t, idempotency.Config{Store: s, Transactional: true})
	h := once.Handler(conditions.Handler(d))
	wantKind(t, http.StatusInternalServerError, problem.KindInternal, send(h, put("k", "two", "If-Match", d.tag())))
	assert.Zero(t, d.written())
	assert.Zero(t, s.count("k"))
	require.Len(t, saw.of(middleware.EventFailed), 1)
	assert.ErrorContains(t, saw.of(middleware.EventFailed)[0].Err, "commits after the gate opens")

	t.Run("but not where the gate is held outside of it", func(t *testing.T) {
		inner, err := etag.New(etag.Config{Store: shared})
		require.NoError(t, err)
		w := send(conditions.Handler(once.Handler(inner.Handler(d))), put("k", "two", "If-Match", d.tag()))
		assert.Equal(t, "saved: two", w.Body.String())
		assert.Equal(t, 1, s.count("k"))
	})
}

// TestTransactionalWithoutRunIsRefused: orphans would be run again as if their
// effects had been rolled back.
func TestTransactionalWithoutRunIsRefused(t *testing.T) {
	pay, saw := &till{}, &observer{}
	l := newLayer(t, idempotency.Config{Store: newTxMemory(), Transactional: true, Observer: saw})
	h := l.Claim(pay)
	wantKind(t, http.StatusInternalServerError, problem.KindInternal, send(h, post("k", "{}")))
	assert.Zero(t, pay.runs.Load())
	require.Len(t, saw.of(middleware.EventFailed), 1)
	assert.ErrorContains(t, saw.of(middleware.EventFailed)[0].Err, "Layer.Run is around no handler")
	assert.Equal(t, http.StatusCreated, send(h, post("", "{}")).Code, "without a key nothing is promised")
	h = l.Claim(l.Run(pay))
	assert.Equal(t, http.StatusCreated, send(h, post("k", "{}")).Code)
}

// TestAKeepThatPanics is code of the server's own that breaks off between the
// handler and the outcome.
func TestAKeepThatPanics(t *testing.T) {
	breaks := true
	keep := func(c *idempotency.Config) {
		c.Keep = func(status int, h http.Header) idempotency.Disposition {
			if breaks {
				panic("in Keep")
			}
			return idempotency.DefaultKeep(status, h)
		}
	}
	bubble(t, "leaves no transaction open", func(t *testing.T) {
		breaks = true
		s := newTxMemory()
		var tx *txUnit
		h := serverOn(t, s, booking(func(w http.ResponseWriter, r *http.Request, n int64) {
			tx = txLedger(r.Context())
			charged(w, n)
		}), keep)
		assert.Equal(t, "in Keep", panics(t, h, post("k", "{}")))
		s.mu.Lock()
		assert.True(t, tx.ended)
		s.mu.Unlock()
		breaks = false
		isFreeOnce(t, s, h)
	})
	bubble(t, "leaves a claim that protects, and is not renewed for ever", func(t *testing.T) {
		breaks = true
		pay := &till{}
		h := serverOn(t, memory.New(memory.Config{}), pay, keep)
		assert.Equal(t, "in Keep", panics(t, h, post("k", "{}")))
		assertInFlight(t, send(h, post("k", "{}")))
		time.Sleep(lapseTime)
		assert.Zero(t, h.wire.calls("Replace"))
		wantKind(t, http.StatusConflict, problem.KindOutcomeUnknown, send(h, post("k", "{}")))
		assert.EqualValues(t, 1, pay.runs.Load())
	})
}
