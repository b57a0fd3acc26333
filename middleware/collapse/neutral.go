package collapse

import (
	"net/http"
	"slices"
)

// neutral are the fields that are left out of the key. Everything that is not
// here tells requests apart, whatever its name is.
var neutral = []string{
	// Which program asks. A handler that answers by it says so in Vary.
	"User-Agent",

	// What a cache in front of the client holds. Each client's conditions are
	// judged outside of the shared run, which does not see them.
	"If-Modified-Since", "If-None-Match",

	// The connection that the request came over (RFC 9110 section 7.6.1). It
	// can name fields that a proxy then drops: a request in which it does takes
	// no part.
	"Connection", "Keep-Alive", "Proxy-Connection",

	// Tracing: different for each request by design. Baggage is not here: it
	// carries the application's own values.
	"B3", "X-B3-Flags", "X-B3-Parentspanid", "X-B3-Sampled", "X-B3-Spanid", "X-B3-Traceid",
	"Traceparent", "Tracestate",
	"Request-Id", "X-Correlation-Id", "X-Request-Id", "X-Request-Start", "X-Trace-Id",
	"X-Amzn-Trace-Id", "X-Cloud-Trace-Context", "Sentry-Trace", "Uber-Trace-Id",
	"X-Datadog-Parent-Id", "X-Datadog-Sampling-Priority", "X-Datadog-Trace-Id",
}

// Neutral returns the names of the fields in which requests may differ and
// still share an answer: the program that asks, the connection, tracing, and
// what a client's cache holds. An answer whose Vary names one of them is shared
// only by requests that agree on it. Config.Neutral adds to them.
func Neutral() []string { return slices.Clone(neutral) }

// class is what a field of a request means for sharing.
type class uint8

const (
	keyed      class = iota // tells requests apart
	free                    // is neutral
	condition               // is neutral, and not for the handler
	apart                   // a request with it shares nothing
	freshness               // keyed, but with no-cache or no-store the request shares nothing
	accepts                 // keyed, but who wants an event stream shares nothing
	connection              // neutral, but a request in which it names other fields shares nothing
)

// isNeutral reports whether requests that differ in the field can share.
func (c class) isNeutral() bool { return c == free || c == condition || c == connection }

// mayShare reports whether a request in which a field of class c has these lines
// may share, as far as the field goes.
func mayShare(c class, lines []string) bool {
	switch c {
	case apart:
		return false
	case freshness:
		return !forbidsSharing(lines)
	case accepts:
		return !wantsEvents(lines)
	case connection:
		return !namesFields(lines)
	case keyed, free, condition:
	}
	return true
}

// looked are the fields whose presence, or value, keeps a request from sharing:
// it asks for a part of the representation, for another protocol, for a
// judgement that only its own run can give, or for an answer made for it.
var looked = map[string]class{
	"Range": apart, "If-Range": apart, "Upgrade": apart,
	"If-Match": apart, "If-Unmodified-Since": apart,
	"Cache-Control": freshness, "Pragma": freshness,
	"Accept": accepts,
}

// maxKnown is how long, in bytes, the name of a field can be that is not keyed.
const maxKnown = 40

// names tells the class of a field. It is asked for each field of each request,
// so most of those that are keyed are told from one look at a table.
type names [256][]known

type known struct {
	name string
	class
}

// place is made of what tells names apart best for what it takes to find out.
func (n *names) place(name string) *[]known {
	return &n[uint8(len(name)*37)^name[len(name)-1]]
}

func newNames(added []string) *names {
	n := new(names)
	for name, c := range looked {
		n.add(name, c)
	}
	for _, name := range slices.Concat(neutral, added) {
		c := free
		switch name {
		case "If-None-Match", "If-Modified-Since":
			c = condition
		case "Connection", "Proxy-Connection":
			c = connection
		}
		n.add(http.CanonicalHeaderKey(name), c)
	}
	return n
}

func (n *names) add(name string, c class) {
	at := n.place(name)
	*at = append(*at, known{name, c})
}

func (n *names) class(name string) class {
	if name == "" {
		return keyed
	}
	for _, k := range *n.place(name) {
		if k.name == name {
			return k.class
		}
	}
	return keyed
}
