package drivertest

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
)

// How large the storm is. The one on memory, in package idempotency, has a
// thousand keys and twice as many duplicates.
const (
	stormKeys       = 36
	stormDuplicates = 16
	stormFront      = 6 // keys at once
)

// TestStorm has clients send each request many times to two servers at once, and
// again as long as they are told to.
func TestStorm(t *testing.T) {
	for _, transactional := range []bool{false, true} {
		t.Run(map[bool]string{false: "with the handlers' own writes", true: "in transactions"}[transactional], func(t *testing.T) {
			eachDatabase(t, func(t *testing.T, d database) { storm(t, d, transactional) })
		})
	}
}

func storm(t *testing.T, d database, transactional bool) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	first := newBank(t, d)
	second := d.bankAt(t, first.source)
	var runs atomic.Int64
	var servers []*server
	for _, b := range []*bank{first, second} {
		servers = append(servers, b.serve(t, func(w http.ResponseWriter, r *http.Request, tx *sql.Tx, _ int) {
			run, key := int(runs.Add(1)), r.Header.Get("Idempotency-Key")
			statement := fmt.Sprintf("INSERT INTO charges (id, account) VALUES (%d, '%s')", run, key)
			var err error
			if transactional {
				_, err = tx.ExecContext(r.Context(), statement)
			} else {
				err = insistently(func() error { _, err := b.db.ExecContext(r.Context(), statement); return err })
			}
			if err != nil {
				fail(w, r, err)
				return
			}
			charged(w, run)
		}, func(c *idempotency.Config) { c.Transactional = transactional }))
	}
	for key := 0; key < stormKeys; key += stormFront {
		var requests []string
		for k := range stormFront {
			for range stormDuplicates {
				requests = append(requests, strconv.Itoa(key+k))
			}
		}
		random.Shuffle(len(requests), func(i, j int) { requests[i], requests[j] = requests[j], requests[i] })
		front(t, servers, requests)
	}
	rows, err := first.db.QueryContext(t.Context(), "SELECT account, count(*) FROM charges GROUP BY account")
	require.NoError(t, err)
	defer rows.Close()
	accounts := 0
	for ; rows.Next(); accounts++ {
		var account string
		var n int
		require.NoError(t, rows.Scan(&account, &n))
		assert.Equal(t, 1, n, "charges of %s", account)
	}
	require.NoError(t, rows.Err())
	assert.Equal(t, stormKeys, accounts)
}

// insistently makes a write that SQLite may find no time for.
func insistently(write func() error) (err error) {
	for range 100 {
		if err = write(); err == nil {
			break
		}
	}
	return err
}

// front sends requests at once, each until it has an answer, and wants one answer
// for a key.
func front(t *testing.T, servers []*server, requests []string) {
	t.Helper()
	var mu sync.Mutex
	answers := map[string]string{}
	var all sync.WaitGroup
	for i, key := range requests {
		all.Go(func() {
			var w *httptest.ResponseRecorder
			for try := range 200 {
				w = post(servers[(i+try)%len(servers)], key)
				if w.Header().Get("Retry-After") == "" {
					break
				}
				time.Sleep(time.Duration(5+i%7+try) * time.Millisecond) // the clients'
			}
			mu.Lock()
			defer mu.Unlock()
			if assert.Equal(t, http.StatusCreated, w.Code, w.Body.String()) && answers[key] != "" {
				assert.Equal(t, answers[key], w.Body.String(), "one operation has one answer")
			}
			answers[key] = w.Body.String()
		})
	}
	all.Wait()
}
