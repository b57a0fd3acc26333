package main

import (
	"bytes"
	"net/http"
	"sync/atomic"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/collapse"
)

// version is that of the document, for those who are told versions.
var version = etag.State{Exists: true, Tag: etag.FromVersion(7)}

func current(*http.Request) (etag.State, error) { return version, nil }

// byKeyed is the faster hash, with a secret of this program's.
func byKeyed() etag.Hasher {
	h, err := etag.Keyed(bytes.Repeat([]byte("k"), 32))
	if err != nil {
		panic(err) // a secret of 32 bytes, but in FIPS mode
	}
	return h
}

// bareNet is a handler of net/http with nothing around it.
func bareNet(w work) (service, error) { return service{std: w.bareNet()}, nil }

func tags(c etag.Config) func(work) (service, error) {
	return func(w work) (service, error) {
		l, err := etag.New(c)
		if err != nil {
			return service{}, err
		}
		return service{std: l.Handler(w.bareNet())}, nil
	}
}

func collapses(w work) (service, error) {
	l, err := collapse.New(collapse.Config{})
	if err != nil {
		return service{}, err
	}
	return service{std: l.Handler(w.bareNet())}, nil
}

// once is the layer for keys, which forgets by being made anew.
func once(w work) (service, error) {
	return renewed(func() (http.Handler, error) {
		l, err := idempotency.New(idempotency.Config{Principal: concord.ByAuthorization})
		if err != nil {
			return nil, err
		}
		return l.Handler(w.bareNet()), nil
	})
}

// stack is all layers, as concord.New puts them together.
func stack(c concord.Config) func(work) (service, error) {
	return func(w work) (service, error) {
		c.Principal = concord.ByAuthorization
		return renewed(func() (http.Handler, error) {
			s, err := concord.New(c)
			if err != nil {
				return nil, err
			}
			return s.Handler(w.bareNet()), nil
		})
	}
}

// renewed is a service that forgets by being made anew.
func renewed(build func() (http.Handler, error)) (service, error) {
	h, err := build()
	if err != nil {
		return service{}, err
	}
	var now atomic.Pointer[http.Handler]
	now.Store(&h)
	return service{
		std: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*now.Load()).ServeHTTP(w, r) }),
		forget: func() {
			h, err := build()
			if err != nil {
				panic(err) // it was built before
			}
			now.Store(&h)
		},
	}, nil
}
