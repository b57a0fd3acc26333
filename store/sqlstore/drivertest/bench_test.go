package drivertest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/store"
)

// BenchmarkHotKey has 16 clients read one record at once: as a bare SELECT by
// primary key of the same bytes, as Get, as the Create that finds it standing,
// and as a replay of the whole layer.
func BenchmarkHotKey(b *testing.B) {
	for _, d := range []database{pgxPostgres, pqPostgres, mariaDB, sqliteFile} {
		db := d.open(b, d.source(b))
		s := d.store(b, db)
		ctx, r := b.Context(), store.Record{Head: make([]byte, 100), Body: make([]byte, 1024), TTL: time.Hour}
		_, _, err := s.Create(ctx, "hot", r)
		require.NoError(b, err)
		layer, err := idempotency.New(idempotency.Config{Store: s, Principal: func(*http.Request) (string, error) { return "ada", nil }})
		require.NoError(b, err)
		h := layer.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(r.Body) }))
		post(h, "hot")
		bare := map[bool]string{true: "SELECT head, body FROM concord_records WHERE key = $1", false: "SELECT head, body FROM concord_records WHERE `key` = ?"}[d.name != mariaDB.name]
		for name, call := range map[string]func() error{
			"bare SELECT": func() error {
				var head, body []byte
				return db.QueryRowContext(ctx, bare, []byte("hot")).Scan(&head, &body)
			},
			"Get":    func() error { _, _, err := s.Get(ctx, "hot"); return err },
			"Create": func() error { _, _, err := s.Create(ctx, "hot", r); return err },
			"building the request of a replay": func() error {
				r := httptest.NewRequest(http.MethodPost, "/charges", strings.NewReader("{}"))
				r.Header.Set("Idempotency-Key", "hot")
				return nil
			},
			"replay": func() error {
				r := httptest.NewRequest(http.MethodPost, "/charges", strings.NewReader("{}"))
				r.Header.Set("Idempotency-Key", "hot")
				h.ServeHTTP(&outlet{header: http.Header{}}, r)
				return nil
			},
		} {
			b.Run(d.name+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetParallelism(8) // on two processors, 16 clients
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := call(); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		}
	}
}
