package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/valyala/fasthttp"
)

// caller sends a request again and again, and can be used by one goroutine.
type caller interface {
	call() (status int, err error)
}

// nowhere is a response writer that is used again for each request.
type nowhere struct {
	h      http.Header
	status int
}

func (n *nowhere) Header() http.Header { return n.h }

func (n *nowhere) WriteHeader(status int) {
	if n.status == 0 {
		n.status = status
	}
}

func (n *nowhere) Write(p []byte) (int, error) {
	n.WriteHeader(http.StatusOK)
	return len(p), nil
}

// netCaller calls a handler of net/http, without a network.
type netCaller struct {
	handler http.Handler
	w       nowhere
	r       *http.Request
	content []byte
	reader  *bytes.Reader
	body    io.ReadCloser
	keys    *keys
}

func (c *netCaller) call() (int, error) {
	clear(c.w.h)
	c.w.status = 0
	if c.content != nil {
		c.reader.Reset(c.content)
		c.r.Body = c.body
	}
	if c.keys != nil {
		c.r.Header[keyField] = c.keys.next()
	}
	c.handler.ServeHTTP(&c.w, c.r)
	return c.w.status, nil
}

// fastCaller calls a handler of fasthttp, without a network. Between requests it
// does to the context what that server does.
type fastCaller struct {
	handler fasthttp.RequestHandler
	ctx     *fasthttp.RequestCtx
	keys    *keys
}

func (c *fastCaller) call() (int, error) {
	c.ctx.Response.Reset()
	c.ctx.ResetUserValues()
	if c.keys != nil {
		c.ctx.Request.Header.Set(keyField, c.keys.next()[0])
	}
	c.handler(c.ctx)
	return c.ctx.Response.StatusCode(), nil
}

// inProcess returns a caller of e's handler.
func (e *entry) inProcess(k *keys) caller {
	if e.service.fast != nil {
		return &fastCaller{handler: e.service.fast, ctx: fastContext(e.ask), keys: k}
	}
	reader := bytes.NewReader(e.ask.body)
	return &netCaller{
		handler: e.service.std, w: nowhere{h: make(http.Header)}, r: e.ask.request(context.Background()),
		content: e.ask.body, reader: reader, body: io.NopCloser(reader), keys: k,
	}
}

// keys gives out each key once, and begins anew where its service has forgotten
// them. They are made beforehand, or making them would be measured.
type keys struct {
	made   [][]string
	used   int
	forget func()
}

const (
	keysMade   = 4096
	keysBefore = 1000 // are used before the service is to forget: else the growth of a store is what is measured
)

// keys returns some for e, nil if its requests need none.
func (e *entry) keys() *keys {
	if !e.ask.newKeys {
		return nil
	}
	k := &keys{made: make([][]string, keysMade), forget: e.service.forget}
	for i := range k.made {
		k.made[i] = []string{key(i)}
	}
	return k
}

func (k *keys) next() []string {
	k.used++
	return k.made[k.used-1]
}

// refresh is called between turns, which are not so long that they use up the
// rest of the keys.
func (k *keys) refresh() {
	if k == nil || k.used < keysBefore {
		return
	}
	if k.used = 0; k.forget != nil {
		k.forget()
	}
}

// must is the one right status, at which what takes a call counts.
func must(c caller, status int) error {
	got, err := c.call()
	if err == nil && got != status {
		err = fmt.Errorf("answered %d in place of %d", got, status)
	}
	return err
}
