package lock_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/lock"
	"github.com/concordhttp/concord/middleware/problem"
)

// document is a server that knows nothing of locks.
func document() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /documents/{id}", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

// caller is what authentication has found out, in earnest.
func caller(r *http.Request) (string, error) {
	if name, _, ok := r.BasicAuth(); ok {
		return name, nil
	}
	return "", middleware.ErrPrincipalUnknown
}

// send sends a request of somebody, under a lock unless token is empty.
func send(h http.Handler, who, method, target, token string) *http.Response {
	r := httptest.NewRequest(method, target, nil)
	r.SetBasicAuth(who, "secret")
	if token != "" {
		r.Header.Set("Lock-Token", token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func ExampleLayer_Handler() {
	layer, err := lock.New(lock.Config{
		Principal: caller,
		Lockable:  middleware.Routes("/documents/{id}"),
		Holder: func(r *http.Request) string {
			name, _, _ := r.BasicAuth()
			return name
		},
	})
	if err != nil {
		panic(err)
	}
	h := layer.Handler(document())

	locked := send(h, "ann", "LOCK", "/documents/1", "")
	token := locked.Header.Get("Lock-Token")
	fmt.Println(locked.Status, locked.Header.Get("Timeout"))

	fmt.Println("Bob:", send(h, "bob", "PUT", "/documents/1", "").Status)
	fmt.Println("Bob, with Ann's token:", send(h, "bob", "PUT", "/documents/1", token).Status)
	fmt.Println("Ann:", send(h, "ann", "PUT", "/documents/1", token).Status)
	fmt.Println("Ann's second tab:", send(h, "ann", "PUT", "/documents/1", "").Status)

	fmt.Println(send(h, "ann", "UNLOCK", "/documents/1", token).Status)
	fmt.Println("Bob:", send(h, "bob", "PUT", "/documents/1", "").Status)
	// Output:
	// 200 OK Second-300
	// Bob: 409 Conflict
	// Bob, with Ann's token: 409 Conflict
	// Ann: 204 No Content
	// Ann's second tab: 409 Conflict
	// 204 No Content
	// Bob: 204 No Content
}

// A server whose proxy refuses LOCK has routes of its own. The resource is named
// as Config.Resource names it for writes of it.
func ExampleLayer_Acquire() {
	layer, err := lock.New(lock.Config{Principal: caller, Lockable: middleware.Routes("/documents/{id}")})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", document())
	mux.Handle("POST /documents/{id}/lock", problem.Responder(nil).HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) error {
			who, err := caller(r)
			if err != nil {
				return err
			}
			held, err := layer.Acquire(r.Context(), "/documents/"+r.PathValue("id"), who, who, time.Minute)
			if err != nil {
				return err // 409, with who holds it
			}
			w.Header().Set("X-Document-Lock", held.Token)
			w.WriteHeader(http.StatusCreated)
			return nil
		}))
	h := layer.Handler(mux)

	locked := send(h, "ann", "POST", "/documents/1/lock", "")
	fmt.Println("Ann locks:", locked.Status)
	fmt.Println("Bob locks:", send(h, "bob", "POST", "/documents/1/lock", "").Status)
	fmt.Println("Bob writes:", send(h, "bob", "PUT", "/documents/1", "").Status)
	fmt.Println("Ann writes:", send(h, "ann", "PUT", "/documents/1", locked.Header.Get("X-Document-Lock")).Status)
	// Output:
	// Ann locks: 201 Created
	// Bob locks: 409 Conflict
	// Bob writes: 409 Conflict
	// Ann writes: 204 No Content
}

func ExampleLayer_Renew() {
	layer, err := lock.New(lock.Config{Principal: caller})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	held, err := layer.Acquire(ctx, "/documents/1", "ann", "Ann", time.Minute)
	fmt.Println(err)

	// While she types, and then once more after she has closed the document.
	_, err = layer.Renew(ctx, "/documents/1", held.Token, "ann", time.Minute)
	fmt.Println(err)
	fmt.Println(layer.Release(ctx, "/documents/1", held.Token, "ann"))
	_, err = layer.Renew(ctx, "/documents/1", held.Token, "ann", time.Minute)
	fmt.Println(errors.Is(err, lock.ErrExpired))
	// Output:
	// <nil>
	// <nil>
	// <nil>
	// true
}

func ExampleLayer_Release() {
	layer, err := lock.New(lock.Config{Principal: caller})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	held, err := layer.Acquire(ctx, "/documents/1", "ann", "Ann", time.Minute)
	fmt.Println(err)
	fmt.Println(errors.Is(layer.Release(ctx, "/documents/1", held.Token, "bob"), lock.ErrLocked))
	fmt.Println(layer.Release(ctx, "/documents/1", held.Token, "ann"))
	// Output:
	// <nil>
	// true
	// <nil>
}

// To show who edits a document, without a request that tries to write.
func ExampleLayer_Holder() {
	layer, err := lock.New(lock.Config{Principal: caller})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	_, locked, err := layer.Holder(ctx, "/documents/1")
	fmt.Println(locked, err)
	if _, err := layer.Acquire(ctx, "/documents/1", "ann", "Ann", time.Minute); err != nil {
		panic(err)
	}
	held, locked, err := layer.Holder(ctx, "/documents/1")
	fmt.Println(locked, err, held.Holder, held.Token == "")
	// Output:
	// false <nil>
	// true <nil> Ann true
}

// An operator ends the lock of somebody who has gone home.
func ExampleLayer_Break() {
	layer, err := lock.New(lock.Config{Principal: caller})
	if err != nil {
		panic(err)
	}
	h := layer.Handler(document())
	token := send(h, "ann", "LOCK", "/documents/1", "").Header.Get("Lock-Token")
	fmt.Println(layer.Break(context.Background(), "/documents/1"))
	fmt.Println("Bob:", send(h, "bob", "PUT", "/documents/1", "").Status)
	fmt.Println("Ann:", send(h, "ann", "PUT", "/documents/1", token).Status)
	// Output:
	// true <nil>
	// Bob: 204 No Content
	// Ann: 412 Precondition Failed
}

// A handler that writes with the fencing token keeps the late write of a former
// holder out, also where that passes no gate.
func ExampleFromContext() {
	layer, err := lock.New(lock.Config{Principal: caller})
	if err != nil {
		panic(err)
	}
	h := layer.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if held, ok := lock.FromContext(r.Context()); ok {
			fmt.Println("UPDATE documents SET …, fence = $2 WHERE id = $1 AND fence <= $2;", held.Token() > 0)
		}
	}))
	token := send(h, "ann", "LOCK", "/documents/1", "").Header.Get("Lock-Token")
	fmt.Println(send(h, "ann", "PUT", "/documents/1", token).Status)
	// Output:
	// UPDATE documents SET …, fence = $2 WHERE id = $1 AND fence <= $2; true
	// 200 OK
}

// Two servers, each with a memory store of its own, know nothing of each other's
// locks. Give both one Store.
func ExampleNew_incorrect() {
	one, err := lock.New(lock.Config{Principal: caller})
	if err != nil {
		panic(err)
	}
	two, err := lock.New(lock.Config{Principal: caller}) // incorrect
	if err != nil {
		panic(err)
	}
	fmt.Println("Ann:", send(one.Handler(document()), "ann", "LOCK", "/documents/1", "").Status)
	fmt.Println("Bob:", send(two.Handler(document()), "bob", "PUT", "/documents/1", "").Status)
	// Output:
	// Ann: 200 OK
	// Bob: 204 No Content
}
