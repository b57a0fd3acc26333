package drivertest

import (
	"database/sql"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// N transactions hold all connections of the handlers. Claims, replays and
// refusals have others.
func TestPoolIsNotExhausted(t *testing.T) {
	for _, d := range []database{pgxPostgres, pqPostgres, mariaDB} { // transactions of SQLite stop each other
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			b := newBank(t, d)
			b.db.SetMaxOpenConns(2)
			entered, goOn := make(chan struct{}), make(chan struct{})
			v := b.serve(t, func(w http.ResponseWriter, r *http.Request, tx *sql.Tx, run int) {
				if run > 1 {
					entered <- struct{}{}
					<-goOn
				}
				b.charging(w, r, tx, run)
			})
			assertCharge(t, post(v, "done"), 1)

			const requests = 10
			answers := make(chan *httptest.ResponseRecorder, requests)
			for i := range requests {
				go func() { answers <- post(v, strconv.Itoa(i)) }()
			}
			<-entered
			<-entered // both connections are held, and eight handlers wait for one
			records := d.open(t, b.source)
			require.Eventually(t, func() bool {
				var claims int
				require.NoError(t, records.QueryRowContext(t.Context(), "SELECT count(*) FROM concord_records").Scan(&claims))
				return claims == 1+requests
			}, 10*time.Second, 10*time.Millisecond, "all of them are claimed")
			began := time.Now()
			assert.True(t, replayed(post(v, "done")), "a replay")
			inFlight := 0
			for i := range requests {
				if post(v, strconv.Itoa(i)).Code == http.StatusConflict {
					inFlight++
				}
			}
			assert.Equal(t, requests, inFlight)
			assert.Less(t, time.Since(began), 4*time.Second, "none of them waits for a transaction")
			go func() {
				for range entered {
				}
			}()
			close(goOn)
			for range requests {
				assert.Equal(t, http.StatusCreated, (<-answers).Code)
			}
			close(entered)
			assert.Equal(t, 1+requests, b.charges(t))
		})
	}
}
