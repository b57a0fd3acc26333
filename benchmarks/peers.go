package main

import (
	"net/http"
	"net/http/httptest"

	"github.com/gofiber/fiber/v3"
	fiberetag "github.com/gofiber/fiber/v3/middleware/etag"
	fiberidem "github.com/gofiber/fiber/v3/middleware/idempotency"
	"github.com/gofiber/fiber/v3/middleware/session"
	"golang.org/x/sync/singleflight"
)

func bareFiber(w work) (service, error) { return w.onFiber(), nil }

func fiberETag(w work) (service, error) { return w.onFiber(fiberetag.New()), nil }

// fiberOnce is fiber's idempotency with its defaults, but for the field, which is
// the one that the draft of the IETF names.
func fiberOnce(w work) (service, error) {
	idem, forget := fiberIdempotency()
	s := w.onFiber(idem)
	s.forget = forget
	return s, nil
}

func fiberBoth(w work) (service, error) {
	idem, _ := fiberIdempotency()
	return w.onFiber(fiberetag.New(), idem), nil
}

// fiberIdempotency keeps its answers in the same kind of storage as by default,
// taken from where it can be reached and emptied.
func fiberIdempotency() (handler fiber.Handler, forget func()) {
	storage := session.NewStore().Storage
	return fiberidem.New(fiberidem.Config{KeyHeader: keyField, Storage: storage}), func() {
		if err := storage.Reset(); err != nil {
			panic(err) // a map is emptied
		}
	}
}

func humaWithoutBody(judged bool) func(work) (service, error) {
	return func(w work) (service, error) { return w.onHuma(judged, true), nil }
}

func humaWithBody(judged bool) func(work) (service, error) {
	return func(w work) (service, error) { return w.onHuma(judged, false), nil }
}

// bySingleflight shares runs as it is usually written: by method and URL, and
// with Do.
func bySingleflight(w work) (service, error) {
	return service{std: shares(w.bareNet())}, nil
}

func shares(h http.Handler) http.Handler {
	var group singleflight.Group
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, _, _ := group.Do(r.Method+" "+r.URL.String(), func() (any, error) {
			kept := httptest.NewRecorder()
			h.ServeHTTP(kept, r)
			return kept, nil
		})
		kept, _ := v.(*httptest.ResponseRecorder)
		for name, lines := range kept.Header() {
			w.Header()[name] = lines
		}
		w.WriteHeader(kept.Code)
		_, _ = w.Write(kept.Body.Bytes())
	})
}
