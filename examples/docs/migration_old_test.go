package docs

import (
	"bytes"
	"context"
	"database/sql"
	"net/http"
)

// oldAnswer is what the old table says of a key.
type oldAnswer struct {
	other  bool // it came with another request
	status sql.NullInt32
	body   []byte
}

func (k *keyed) answer(ctx context.Context, db *sql.DB) (oldAnswer, error) {
	var a oldAnswer
	var hash []byte
	err := db.QueryRowContext(ctx, "SELECT request_hash, status, body FROM idempotency_keys WHERE customer = $1 AND key = $2",
		k.customer, k.key).Scan(&hash, &a.status, &a.body)
	a.other = !bytes.Equal(hash, k.hash)
	return a, err
}

// write answers with what was answered first, if there is such an answer.
func (a oldAnswer) write(w http.ResponseWriter) bool {
	if a.other || !a.status.Valid {
		return false
	}
	w.WriteHeader(int(a.status.Int32))
	_, _ = w.Write(a.body)
	return true
}

// recorded keeps what a handler answers.
type recorded struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader implements [http.ResponseWriter].
func (r *recorded) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (r *recorded) Write(p []byte) (int, error) {
	r.body.Write(p)
	return r.ResponseWriter.Write(p)
}
