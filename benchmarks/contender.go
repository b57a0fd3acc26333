package main

import (
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

var noTime time.Time // huma's conditional is given tags alone, and no dates

// unquoted is a tag as huma's conditional wants it.
func unquoted(tag string) string { return strings.Trim(tag, `"`) }

// service answers requests, on one of two transports.
type service struct {
	std    http.Handler            // on net/http
	fast   fasthttp.RequestHandler // on fasthttp
	forget func()                  // all keys; nil if it keeps none
}

// scenario is what contenders are compared at: a request, and the right answer.
type scenario struct {
	name    string
	ask     ask
	work    work
	want    want // of who does what the scenario is about
	bare    want // of who does not
	echoes  bool // the request has the tag of the answer before in If-None-Match
	readers int  // how many send it at once and wait for each other; 0: one after another

	contenders []contender // the first of Concord's is what the others are compared with
}

// contender is somebody who answers.
type contender struct {
	name   string
	bare   string                      // the name of the one with nothing around its handler; "": it is one
	serves func(work) (service, error) // with nothing remembered
	runs   float64                     // of the handler, a request; those of a crowd are measured
}

// want is what an answer must be.
type want struct {
	status, size int
	tagged       bool // has an ETag
}

// entry is a contender in a scenario, with what was measured of it.
type entry struct {
	scenario *scenario
	contender
	service service
	ask     ask           // with the tag, if it echoes
	bare    *entry        // nil: this is one
	concord *entry        // whom it is compared with
	counted *atomic.Int64 // runs of the handler; nil if they are not counted

	handler handlerResult
	socket  socketResult
}

// expects is the right answer.
func (e *entry) expects() want {
	if e.bare == nil {
		return e.scenario.bare
	}
	return e.scenario.want
}

// enter readies all contenders of all scenarios, and looks whether each answers
// as it should.
func enter(scenarios []*scenario) ([]*entry, error) {
	var all []*entry
	for _, s := range scenarios {
		var concord *entry
		byName := make(map[string]*entry)
		for _, c := range s.contenders {
			e := &entry{scenario: s, contender: c, ask: s.ask, bare: byName[c.bare]}
			w := s.work
			if s.readers > 0 {
				e.counted = new(atomic.Int64)
				w.runs = e.counted
			}
			var err error
			if e.service, err = c.serves(w); err != nil {
				return nil, err
			}
			if err := e.ready(); err != nil {
				return nil, err
			}
			if byName[c.name] = e; concord == nil && strings.HasPrefix(c.name, "Concord") {
				concord = e
			}
			all = append(all, e)
		}
		for _, e := range byName {
			e.concord = concord
		}
	}
	return all, nil
}
