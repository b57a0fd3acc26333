package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/valyala/fasthttp"
)

// answer is a whole one, on whichever transport.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// answers sends a request to s by itself. The client stays until ctx ends, where
// the transport lets that be told.
func (s service) answers(ctx context.Context, a ask) answer {
	if s.std != nil {
		w := httptest.NewRecorder()
		s.std.ServeHTTP(w, a.request(ctx))
		return answer{w.Code, w.Header(), w.Body.Bytes()}
	}
	c := fastContext(a)
	s.fast(c)
	got := answer{c.Response.StatusCode(), make(http.Header), bytes.Clone(c.Response.Body())}
	for name, value := range c.Response.Header.All() {
		got.header.Add(string(name), string(value))
	}
	return got
}

// fastContext is what fasthttp hands to a handler for a.
func fastContext(a ask) *fasthttp.RequestCtx {
	var r fasthttp.Request
	if err := r.Read(bufio.NewReader(bytes.NewReader(a.wire()))); err != nil {
		panic(err) // a is this program's own
	}
	ctx := new(fasthttp.RequestCtx)
	ctx.Init(&r, nil, nil)
	return ctx
}

// check says what is wrong with an answer, if anything is.
func (w want) check(got answer) error {
	switch tagged := got.header.Get("ETag") != ""; {
	case got.status != w.status:
		return fmt.Errorf("answered %d in place of %d: %.200s", got.status, w.status, got.body)
	case len(got.body) != w.size:
		return fmt.Errorf("answered with %d bytes in place of %d: %.200s", len(got.body), w.size, got.body)
	case w.tagged && !tagged:
		return fmt.Errorf("answered without an ETag: %v", got.header)
	}
	return nil
}

// ready gives e the tag that it echoes, and looks at its answer: to the first
// request and, once more, to what it remembers of it.
func (e *entry) ready() error {
	if e.scenario.echoes {
		tag := e.service.answers(context.Background(), e.ask).header.Get("ETag")
		if tag == "" {
			tag = `"none"` // a bare handler has none to echo, and reads the field all the same
		}
		e.ask = e.ask.with("If-None-Match", tag)
	}
	for range 2 {
		if err := e.expects().check(e.service.answers(context.Background(), e.ask)); err != nil {
			return fmt.Errorf("%s, %s: %w", e.scenario.name, e.name, err)
		}
		if e.ask.newKeys && e.service.forget != nil {
			e.service.forget()
		}
	}
	return nil
}
