package collapse

import (
	"hash/maphash"
	"net/http"
	"net/url"
	"sync"
)

// maxFields is how many field lines a request that shares can have. Nobody
// sends more but to keep a server busy.
const maxFields = 128

// key is all of a request that the answer may depend on. A run is found by a
// hash of it and joined after a comparison of everything, so two requests whose
// hashes collide have a run each and never an answer in common.
//
// Names and values are copied: the handler may change the fields of its request
// while others compare theirs.
type key struct {
	target    uint64 // the hash of all but the fields and the host, which mostly is one
	hash      uint64 // of everything, once somebody needs it: see sum
	summed    bool
	resource  uint64 // the hash of its key
	handler   *handler
	method    string
	tls       bool
	host      string
	uri       string
	url       url.URL
	principal string
	fields    []line // what tells requests apart
	free      []line // the neutral ones, for an answer that varies by them

	conditional bool  // the client holds an answer already
	outer       outer // no part of it, but room that is used again with it
}

// line is one line of a field. Those of one field follow each other.
type line struct{ name, value string }

// keys are used for one request after another. Nobody looks at the key of a run
// that can no longer be joined.
var keys = sync.Pool{New: func() any {
	return &key{fields: make([]line, 0, 24), free: make([]line, 0, 8)} // more than most requests have
}}

// keyOf returns the key of r, or nil if it takes no part in sharing. Of what can
// keep it from that, Range is looked for before the fields are read, because
// whoever seeks in a film sends many of them.
func (h *handler) keyOf(r *http.Request) *key {
	if r.ContentLength != 0 || r.Header["Range"] != nil || hasContent(r) {
		return nil
	}
	k, _ := keys.Get().(*key)
	if !k.read(h, r) {
		k.giveBack()
		return nil
	}
	return k
}

func (k *key) read(h *handler, r *http.Request) bool {
	if !k.readFields(h.layer, r.Header) || !k.readPrincipal(h.layer, r) {
		return false
	}
	k.handler, k.method, k.tls, k.host, k.uri, k.url = h, r.Method, r.TLS != nil, r.Host, r.RequestURI, *r.URL
	l := h.layer
	resource := l.config.Resource(r)
	k.resource = maphash.String(l.seed, resource)
	sum := mix(mix(h.number, uint64(len(k.method))), k.resource)
	if k.url.Path != resource {
		sum = mix(sum, maphash.String(l.seed, k.url.Path))
	}
	if k.url.RawQuery != "" {
		sum = mix(sum, maphash.String(l.seed, k.url.RawQuery)+1)
	}
	if k.principal != "" {
		sum = mix(sum, maphash.String(l.seed, k.principal)+2)
	}
	k.target = sum
	return true
}

// readFields copies the fields, and reports whether none of them keeps the
// request from sharing.
func (k *key) readFields(l *Layer, fields http.Header) bool {
	lines := k.fields
	for name, values := range fields {
		if c := l.names.class(name); c != keyed {
			switch {
			case !mayShare(c, values):
				return false
			case c.isNeutral():
				k.conditional = k.conditional || c == condition
				for _, value := range values {
					k.free = append(k.free, line{name, value})
				}
				continue
			}
		}
		for _, value := range values {
			lines = append(lines, line{name, value})
		}
	}
	k.fields = lines
	return len(lines)+len(k.free) <= maxFields
}

// sum returns the hash of all of k. Most requests meet no other, and need none.
// The hash of each line is added to the others', since they come in no order.
func (k *key) sum(l *Layer) uint64 {
	if !k.summed {
		sum := maphash.String(l.seed, k.host)
		for _, line := range k.fields {
			sum += hashLine(l.seed, line.name, line.value)
		}
		k.hash, k.summed = mix(sum, k.target), true
	}
	return k.hash
}

// readPrincipal reports whether the caller is known well enough to share.
func (k *key) readPrincipal(l *Layer, r *http.Request) bool {
	if l.config.Principal == nil {
		return r.TLS == nil || len(r.TLS.PeerCertificates) == 0
	}
	principal, err := l.config.Principal(r)
	k.principal = principal
	return err == nil && principal != "" // which is nobody
}

// equals reports whether a request with key other, whose fields are h, would get
// the same answer as the one with key k.
func (k *key) equals(other *key, h http.Header) bool {
	return k.handler == other.handler && k.method == other.method && k.tls == other.tls && k.host == other.host &&
		k.uri == other.uri && k.url == other.url && k.principal == other.principal &&
		len(k.fields) == len(other.fields) && holds(k.fields, h)
}

// holds reports whether h has each field in lines, with just these lines.
func holds(lines []line, h http.Header) bool {
	for len(lines) > 0 {
		name := lines[0].name
		for _, value := range h[name] {
			if len(lines) == 0 || lines[0] != (line{name, value}) {
				return false
			}
			lines = lines[1:]
		}
		if len(lines) > 0 && lines[0].name == name {
			return false // h has fewer, or none
		}
	}
	return true
}

// giveBack must be called once, and k not touched afterwards. What k still holds
// is written over by the next request, or collected with the pool.
func (k *key) giveBack() {
	k.fields, k.free, k.outer, k.principal, k.conditional, k.summed = k.fields[:0], k.free[:0], k.outer[:0], "", false, false
	keys.Put(k)
}
