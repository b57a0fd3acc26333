package main

import (
	"bytes"
	"net/http"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/etag"
)

// Names of contenders that come in more than one scenario.
const (
	onNet     = "net/http, bare"
	onFiber   = "fiber, bare"
	onHuma    = "huma, bare"
	withETag  = "Concord's etag"
	withKeyed = "Concord's etag, Keyed"
	withKeys  = "Concord's idempotency"
	withAll   = "Concord, whole Stack"
	peerETag  = "fiber's etag"
	peerKeys  = "fiber's idempotency"
	peerCond  = "huma's conditional"
	peerOnce  = "singleflight"
	crowdSize = 100
)

var (
	kilobyte  = bytes.Repeat([]byte("concord "), 1<<10/8)
	kilobytes = bytes.Repeat([]byte("concord "), 64<<10/8)
)

func scenarios() []*scenario {
	return []*scenario{
		tagged("GET of 1 KiB, tagged", kilobyte),
		tagged("GET of 64 KiB, tagged", kilobytes),
		unchanged("GET, 304 by a hash of 1 KiB"), unchangedVersion("GET, 304 by a version"),
		conditionalPut("conditional PUT of 1 KiB"),
		keyed("keyed POST of 1 KiB, first run", true), keyed("keyed POST of 1 KiB, replay", false),
		nothingToDo("POST, nothing to do"),
		crowded("100 identical GETs at once, 1 ms of work"),
	}
}

func read(body []byte) (ask, work) {
	return ask{method: http.MethodGet, path: document},
		work{method: http.MethodGet, path: document, status: http.StatusOK, body: body}
}

func tagged(name string, body []byte) *scenario {
	a, w := read(body)
	return &scenario{
		name: name, ask: a, work: w,
		want: want{status: http.StatusOK, size: len(body), tagged: true},
		bare: want{status: http.StatusOK, size: len(body)},
		contenders: []contender{
			{name: onNet, serves: bareNet, runs: 1},
			{name: withETag, bare: onNet, serves: tags(etag.Config{}), runs: 1},
			{name: withKeyed, bare: onNet, serves: tags(etag.Config{Hash: byKeyed()}), runs: 1},
			{name: withAll, bare: onNet, serves: stack(concord.Config{}), runs: 1},
			{name: onFiber, serves: bareFiber, runs: 1},
			{name: peerETag, bare: onFiber, serves: fiberETag, runs: 1},
		},
	}
}

// unchanged is a read of what the client holds already; the tag is made of the
// body, for which the handler runs.
func unchanged(name string) *scenario {
	s := tagged(name, kilobyte)
	s.echoes, s.want = true, want{status: http.StatusNotModified, tagged: false}
	return s
}

// unchangedVersion is the same where the version is known without the body.
func unchangedVersion(name string) *scenario {
	a, w := read(kilobyte)
	w.tag = version.Tag.String()
	return &scenario{
		name: name, ask: a.with("If-None-Match", w.tag), work: w,
		want: want{status: http.StatusNotModified},
		bare: want{status: http.StatusOK, size: len(kilobyte)},
		contenders: []contender{
			{name: onNet, serves: bareNet, runs: 1},
			{name: withETag, bare: onNet, serves: tags(etag.Config{Current: current}), runs: 0},
			{name: onHuma, serves: humaWithoutBody(false), runs: 1},
			{name: peerCond, bare: onHuma, serves: humaWithoutBody(true), runs: 1},
		},
	}
}

func conditionalPut(name string) *scenario {
	w := work{method: http.MethodPut, path: document, status: http.StatusNoContent, tag: version.Tag.String()}
	right := want{status: http.StatusNoContent}
	return &scenario{
		name: name, work: w, want: right, bare: right,
		ask: ask{method: w.method, path: w.path, body: kilobyte}.with("If-Match", w.tag),
		contenders: []contender{
			{name: onNet, serves: bareNet, runs: 1},
			{name: withETag, bare: onNet, serves: tags(etag.Config{Current: current}), runs: 1},
			{name: "Concord's etag, GateNone", bare: onNet, serves: tags(etag.Config{Current: current, Gate: etag.GateNone}), runs: 1},
			{name: withAll, bare: onNet, serves: stack(concord.Config{ETag: etag.Config{Current: current}}), runs: 1},
			{name: onHuma, serves: humaWithBody(false), runs: 1},
			{name: peerCond, bare: onHuma, serves: humaWithBody(true), runs: 1},
		},
	}
}

func keyed(name string, first bool) *scenario {
	w := work{method: http.MethodPost, path: payments, status: http.StatusCreated, body: kilobyte}
	right := want{status: http.StatusCreated, size: len(kilobyte)}
	a := ask{method: w.method, path: w.path, body: kilobyte, newKeys: first}
	runs := 1.0
	if !first {
		a, runs = a.with(keyField, oneKey), 0
	}
	return &scenario{
		name: name, ask: a, work: w, want: right, bare: right,
		contenders: []contender{
			{name: onNet, serves: bareNet, runs: 1},
			{name: withKeys, bare: onNet, serves: once, runs: runs},
			{name: withAll, bare: onNet, serves: stack(concord.Config{}), runs: runs},
			{name: onFiber, serves: bareFiber, runs: 1},
			{name: peerKeys, bare: onFiber, serves: fiberOnce, runs: runs},
		},
	}
}

func nothingToDo(name string) *scenario {
	w := work{method: http.MethodPost, path: payments, status: http.StatusNoContent}
	right := want{status: http.StatusNoContent}
	return &scenario{
		name: name, ask: ask{method: w.method, path: w.path}, work: w, want: right, bare: right,
		contenders: []contender{
			{name: onNet, serves: bareNet, runs: 1},
			{name: withAll, bare: onNet, serves: stack(concord.Config{}), runs: 1},
			{name: onFiber, serves: bareFiber, runs: 1},
			{name: "fiber's etag and idempotency", bare: onFiber, serves: fiberBoth, runs: 1},
			{name: onHuma, serves: humaWithoutBody(false), runs: 1},
			{name: peerCond, bare: onHuma, serves: humaWithoutBody(true), runs: 1},
		},
	}
}

func crowded(name string) *scenario {
	w := work{method: http.MethodGet, path: report, status: http.StatusOK, body: kilobyte, effort: 25}
	right := want{status: http.StatusOK, size: len(kilobyte)}
	return &scenario{
		name: name, ask: ask{method: w.method, path: w.path}, work: w, want: right, bare: right, readers: crowdSize,
		contenders: []contender{
			{name: onNet, serves: bareNet},
			{name: "Concord's collapse", bare: onNet, serves: collapses},
			{name: withAll, bare: onNet, serves: stack(concord.Config{})},
			{name: peerOnce, bare: onNet, serves: bySingleflight},
		},
	}
}
