package idempotency_test

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/concordhttp/concord/idempotency"
)

// A handler that knows that it did nothing frees the key, whatever it answers.
func ExampleAttempt_Free() {
	layer, err := idempotency.New(idempotency.Config{Principal: subject})
	if err != nil {
		panic(err)
	}
	open := false
	h := authenticate(layer.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !open {
			if attempt, ok := idempotency.FromContext(r.Context()); ok {
				attempt.Free()
			}
			w.WriteHeader(http.StatusConflict)
			fmt.Fprint(w, "the shop is closed")
			return
		}
		fmt.Fprint(w, "sold")
	})))

	pays(h, "alice", "1", "")
	open = true
	pays(h, "alice", "1", "")
	pays(h, "alice", "1", "")
	// Output:
	// 409 the shop is closed
	// 200 sold
	// 200 sold (replayed)
}

// account is a database that remembers the greatest token that wrote to it, as
// in "UPDATE … WHERE fence <= $token".
type account struct{ balance, fence uint64 }

func (a *account) withdraw(amount, token uint64) error {
	if token < a.fence {
		return errors.New("a later attempt has written already")
	}
	a.balance, a.fence = a.balance-amount, token
	return nil
}

// Under Rerun, a server that was paused for longer than its lease can wake up
// when its successor has done the work. What checks the token lets it do no
// harm.
func ExampleAttempt_Token() {
	layer, err := idempotency.New(idempotency.Config{Principal: subject, Unknown: idempotency.Rerun})
	if err != nil {
		panic(err)
	}
	db := &account{balance: 100}
	h := authenticate(layer.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		attempt, _ := idempotency.FromContext(r.Context())
		if err := db.withdraw(10, attempt.Token()); err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(w, "%d left", db.balance)

		paused := attempt.Token() - 1 // what an earlier attempt had
		fmt.Println(db.withdraw(10, paused))
	})))
	pays(h, "alice", "1", "")
	// Output:
	// a later attempt has written already
	// 200 90 left
}
