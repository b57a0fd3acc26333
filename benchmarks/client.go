package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// client sends a request over a connection of its own. It does as little as it
// can, since it takes its time from the server's two cores.
type client struct {
	conn    net.Conn
	reader  *bufio.Reader
	wire    []byte
	digits  []byte    // of the key, in wire; nil if the request stays the same
	numbers *sequence // of keys
	answer  fasthttp.Response
	size    int // of the right answer
}

// sequence numbers the keys of all connections to one service.
type sequence struct{ last atomic.Int64 }

// patience is how long a client waits for one answer.
const patience = 30 * time.Second

func dial(ctx context.Context, address net.Addr, e *entry, numbers *sequence) (*client, error) {
	conn, err := (&net.Dialer{Timeout: patience}).DialContext(ctx, "tcp", address.String())
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn, reader: bufio.NewReader(conn), wire: e.ask.wire(), numbers: numbers, size: e.expects().size}
	if e.ask.newKeys {
		at := bytes.Index(c.wire, []byte(key(0))) + len(oneKey) - keyDigits
		c.digits = c.wire[at : at+keyDigits]
	}
	return c, nil
}

func (c *client) call() (int, error) {
	if c.digits != nil {
		number := strconv.AppendInt(make([]byte, 0, keyDigits), c.numbers.last.Add(1), 10)
		copy(c.digits[keyDigits-len(number):], number)
	}
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	if _, err := c.conn.Write(c.wire); err != nil {
		return 0, err
	}
	if err := c.answer.Read(c.reader); err != nil {
		return 0, err
	}
	if got := len(c.answer.Body()); got != c.size {
		return 0, fmt.Errorf("answered with %d bytes in place of %d", got, c.size)
	}
	return c.answer.StatusCode(), nil
}
