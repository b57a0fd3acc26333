package main

import (
	"context"
	"crypto/sha256"
	"io"
	"net/http"
	"runtime"
	"sync/atomic"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/danielgtaylor/huma/v2/conditional"
	"github.com/gofiber/fiber/v3"
)

const contentType = "application/json"

var contentTypes = []string{contentType}

// work is what a handler does, and does alike in each framework: it reads the
// request to its end, and answers.
type work struct {
	method, path string
	status       int
	body         []byte
	tag          string        // the resource's version, where the handler knows one; not sent on writes
	effort       int           // how many times 64 KiB are hashed before it answers, in the place of a query
	runs         *atomic.Int64 // counts, unless it is nil, as it is where a count would be what is measured
}

var toil = make([]byte, 64<<10)

// begin is what each run does before it answers.
func (w work) begin() {
	if w.runs != nil {
		w.runs.Add(1)
	}
	for range w.effort {
		_ = sha256.Sum256(toil)
		runtime.Gosched() // as a query would, so that others come in the meantime on two cores, too
	}
}

// bareNet is the work as a handler of net/http.
func (w work) bareNet() http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.begin()
		if r.ContentLength > 0 {
			_, _ = io.Copy(io.Discard, r.Body)
		}
		if w.body == nil {
			rw.WriteHeader(w.status)
			return
		}
		rw.Header()["Content-Type"] = contentTypes
		if w.status != http.StatusOK {
			rw.WriteHeader(w.status)
		}
		_, _ = rw.Write(w.body)
	})
}

// onFiber is the work in an application of fiber's, behind some middleware.
func (w work) onFiber(middleware ...fiber.Handler) service {
	app := fiber.New()
	for _, m := range middleware {
		app.Use(m)
	}
	app.Add([]string{w.method}, w.path, func(c fiber.Ctx) error {
		w.begin()
		c.Status(w.status)
		if w.body == nil {
			return nil
		}
		c.Response().Header.SetContentType(contentType)
		return c.Send(w.body)
	})
	return service{fast: app.Handler()}
}

// reply is what huma makes an answer of.
type reply struct {
	ContentType string `header:"Content-Type"`
	ETag        string `header:"ETag"`
	Body        []byte
}

// Inputs of huma's operations: without and with its conditional parameters, and
// for requests that have a body.
type (
	plainRead  struct{}
	plainWrite struct{ RawBody []byte }
	condRead   struct{ conditional.Params }
	condWrite  struct {
		conditional.Params
		RawBody []byte
	}
)

// onHuma is the work as an operation of huma's on net/http. Judged, it asks
// huma's conditional first, as that package's documentation does.
func (w work) onHuma(judged, bodyless bool) service {
	mux := http.NewServeMux()
	api := humago.New(mux, huma.DefaultConfig("Documents", "1"))
	switch {
	case judged && bodyless:
		operation(w, api, func(in *condRead) *conditional.Params { return &in.Params })
	case judged:
		operation(w, api, func(in *condWrite) *conditional.Params { return &in.Params })
	case bodyless:
		operation(w, api, func(*plainRead) *conditional.Params { return nil })
	default:
		operation(w, api, func(*plainWrite) *conditional.Params { return nil })
	}
	return service{std: mux}
}

func operation[I any](w work, api huma.API, params func(*I) *conditional.Params) {
	huma.Register(api, huma.Operation{
		OperationID: "work", Method: w.method, Path: w.path, DefaultStatus: w.status, SkipValidateBody: true,
	}, func(_ context.Context, in *I) (*reply, error) {
		w.begin()
		if p := params(in); p != nil && p.HasConditionalParams() {
			tag := unquoted(w.tag)
			if failed := p.PreconditionFailed(tag, noTime); failed != nil {
				return nil, failed
			}
		}
		if w.body == nil {
			return &reply{}, nil
		}
		return &reply{ContentType: contentType, ETag: w.tag, Body: w.body}, nil
	})
}
