package main

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/danielgtaylor/huma/v2/conditional"
	"github.com/gofiber/fiber/v3"
	fiberetag "github.com/gofiber/fiber/v3/middleware/etag"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
)

// script is a handler that can be put into each framework.
type script struct {
	tag func() string // of the version that there is; nil: the handler knows none
	run func(ctx context.Context, method string) answer
}

// answers is what the script answers, with the tag if it is a read.
func (s script) answers(ctx context.Context, method string) answer {
	a := s.run(ctx, method)
	if a.header == nil {
		a.header = make(http.Header)
	}
	if s.tag != nil && method == http.MethodGet {
		a.header.Set("ETag", s.tag())
	}
	return a
}

// ServeHTTP makes a script a handler of net/http.
func (s script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := s.answers(r.Context(), r.Method)
	for name, lines := range a.header {
		w.Header()[name] = lines
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

func (s script) onFiber(middleware ...any) service {
	app := fiber.New()
	app.Use(middleware...)
	app.All("/*", func(c fiber.Ctx) error {
		a := s.answers(c.Context(), c.Method())
		for name, lines := range a.header {
			for _, line := range lines {
				c.Append(name, line)
			}
		}
		return c.Status(a.status).Send(a.body)
	})
	return service{fast: app.Handler()}
}

// scripted is an answer of huma's.
type scripted struct {
	Status int
	ETag   string `header:"ETag"`
	Body   []byte
}

// onHuma asks huma's conditional before it does anything, as that package's
// documentation does; or forgets to.
func (s script) onHuma(asks bool) service {
	mux := http.NewServeMux()
	api := humago.New(mux, huma.DefaultConfig("Documents", "1"))
	for _, method := range []string{http.MethodGet, http.MethodPut} {
		huma.Register(api, huma.Operation{OperationID: method, Method: method, Path: document},
			func(ctx context.Context, in *struct{ conditional.Params }) (*scripted, error) {
				if asks && in.HasConditionalParams() {
					if failed := in.PreconditionFailed(unquoted(s.tag()), noTime); failed != nil {
						return nil, failed
					}
				}
				a := s.answers(ctx, method)
				return &scripted{Status: a.status, ETag: a.header.Get("ETag"), Body: a.body}, nil
			})
	}
	return service{std: mux}
}

// behind puts s behind a contender, as it comes.
func behind(t *testing.T, who string, s script) service {
	t.Helper()
	switch who {
	case "Concord":
		stack, err := concord.New(concord.Config{Principal: concord.ByAuthorization})
		require.NoError(t, err)
		return service{std: stack.Handler(s)}
	case peerETag:
		return s.onFiber(fiberetag.New())
	case peerCond:
		return s.onHuma(true)
	case peerKeys:
		handler, _ := fiberIdempotency()
		return s.onFiber(handler)
	case peerOnce:
		return service{std: shares(s)}
	}
	require.FailNow(t, "nobody is called "+who)
	return service{}
}

// says answers each request with a body.
func says(body string) script {
	return script{run: func(context.Context, string) answer { return answer{status: http.StatusOK, body: []byte(body)} }}
}

// documents is a script with a document of version 7, that counts the writes.
func documents() (s script, writes *int) {
	writes = new(int)
	return script{
		tag: func() string { return version.Tag.String() },
		run: func(_ context.Context, method string) answer {
			if method != http.MethodGet {
				*writes++
			}
			return answer{status: http.StatusOK, body: []byte("a document")}
		},
	}, writes
}

func get(fields ...string) ask { return asking(http.MethodGet, document, fields...) }
func put(fields ...string) ask { return asking(http.MethodPut, document, fields...) }

// pay is a keyed POST.
func pay(body string, fields ...string) ask {
	a := asking(http.MethodPost, payments, fields...).with(keyField, oneKey)
	a.body = []byte(body)
	return a
}

// asking is a request with fields as "Name: value".
func asking(method, path string, fields ...string) ask {
	a := ask{method: method, path: path}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		a = a.with(name, value)
	}
	return a
}
