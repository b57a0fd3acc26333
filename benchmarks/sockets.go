package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/valyala/fasthttp"
)

// socketResult is what clients see over connections on the loopback, each of
// which sends its next request when it has the answer to the last.
type socketResult struct {
	rate     float64 // requests a second, all connections together
	p50, p99 time.Duration
}

const (
	stretch = 5 * time.Millisecond // of one turn: about what a scheduler gives another program at a time
	calmest = 10                   // the part of the turns that counts is the fastest tenth
)

// served is an entry that is served, and its connections.
type served struct {
	*entry
	stop    func() // ends the server
	clients []*client
	turns   []socketResult
	waits   [][]time.Duration // of each request of a turn
}

// measureSockets measures all entries in turns, for as long as total but at least
// one turn each.
func measureSockets(ctx context.Context, all []*entry, total time.Duration, connections int) error {
	servers := make([]*served, 0, len(all))
	defer func() {
		for _, s := range servers {
			s.end()
		}
	}()
	for _, e := range all {
		s, err := e.open(ctx, max(connections, e.scenario.readers))
		if err != nil {
			return err
		}
		servers = append(servers, s)
	}
	for end := time.Now().Add(total); ; {
		for _, s := range shuffled(servers) {
			if err := s.take(); err != nil {
				return fmt.Errorf("%s, %s: %w", s.scenario.name, s.name, err)
			}
		}
		if !time.Now().Before(end) {
			break
		}
	}
	for _, s := range servers {
		s.socket = s.result()
	}
	return nil
}

// open serves e on a port of the system's choice, and connects to it.
func (e *entry) open(ctx context.Context, connections int) (*served, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &served{entry: e, stop: serve(e.service, l)}
	numbers := new(sequence)
	for range connections {
		c, err := dial(ctx, l.Addr(), e, numbers)
		if err != nil {
			s.end()
			return nil, err
		}
		s.clients = append(s.clients, c)
	}
	return s, nil
}

// end hangs up and ends the server: in this order, as fasthttp waits for clients.
func (s *served) end() {
	for _, c := range s.clients {
		_ = c.conn.Close()
	}
	s.stop()
}

// serve serves s until the function that it returns is called.
func serve(s service, l net.Listener) func() {
	if s.fast != nil {
		server := &fasthttp.Server{Handler: s.fast}
		go func() { _ = server.Serve(l) }()
		return func() { _ = server.Shutdown() }
	}
	server := &http.Server{Handler: s.std, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	return func() { _ = server.Close() }
}

// take is one turn: rounds of all readers, or every connection for itself.
func (s *served) take() error {
	if s.service.forget != nil && s.ask.newKeys {
		s.service.forget()
	}
	waits := make([][]time.Duration, len(s.clients))
	errs := make([]error, len(s.clients))
	began := time.Now()
	alone := func(i int) {
		for errs[i] == nil && time.Since(began) < stretch {
			waits[i], errs[i] = s.send(i, waits[i])
		}
	}
	together := func(i int) { waits[i], errs[i] = s.send(i, waits[i]) }
	if s.scenario.readers > 0 {
		for first(errs) == nil && time.Since(began) < stretch {
			each(len(s.clients), together)
		}
	} else {
		each(len(s.clients), alone)
	}
	took := time.Since(began)
	all := slices.Concat(waits...)
	s.turns = append(s.turns, socketResult{rate: float64(len(all)) / took.Seconds()})
	s.waits = append(s.waits, all)
	return first(errs)
}

// send sends one request over connection i.
func (s *served) send(i int, waits []time.Duration) ([]time.Duration, error) {
	began := time.Now()
	if err := must(s.clients[i], s.expects().status); err != nil {
		return waits, err
	}
	return append(waits, time.Since(began)), nil
}

// result is that of the fastest tenth of the turns.
func (s *served) result() socketResult {
	order := make([]int, len(s.turns))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(s.turns[b].rate, s.turns[a].rate) })
	last := len(order) / calmest
	var waits []time.Duration
	for _, i := range order[:last+1] {
		waits = append(waits, s.waits[i]...)
	}
	slices.Sort(waits)
	return socketResult{
		rate: s.turns[order[last]].rate,
		p50:  waits[len(waits)/2],
		p99:  waits[len(waits)*99/100],
	}
}
