package problem

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
)

// DefaultTypeBase is what type URIs begin with unless a [Renderer] says
// otherwise: the page of kinds in the published repository.
const DefaultTypeBase = "https://github.com/concordhttp/concord/blob/main/docs/problems.md#"

const (
	defaultRetryAfter = "1" // seconds; see Problem.Header
	internalDetail    = "The server met an error that it did not expect."
	blankType         = "about:blank" // RFC 9457 section 4.2.1
)

// kind is Kind, but [KindInternal] for a problem that says nothing at all.
func (p *Problem) kind() Kind {
	if p.Kind == "" && p.Type == "" && !isErrorStatus(p.Status) {
		return KindInternal
	}
	return p.Kind
}

// Complete returns a copy of p with all that a problem is sent with: Type, Title,
// Status, Instance, Retryable, and Retry-After for what is retryable. A problem
// of [KindInternal] has the one sentence that clients are told as its Detail. It
// is for a [Responder] that writes a body of its own, which then need not know
// what Concord, or a handler, has left out. The maps of p are shared, or copied,
// and not written to. Nil is an internal problem.
func (o Renderer) Complete(p *Problem) *Problem {
	c := o.complete(p)
	if c.Retryable && !c.has("Retry-After") {
		c.Header = c.Header.Clone()
		if c.Header == nil {
			c.Header = make(http.Header, 1)
		}
		c.Header.Set("Retry-After", defaultRetryAfter)
	}
	return &c
}

// has reports whether p sets a field, in whatever case its name is written.
func (p *Problem) has(name string) bool {
	for own := range p.Header {
		if http.CanonicalHeaderKey(own) == name {
			return true
		}
	}
	return false
}

// complete returns a copy of p with every standard member filled in. The maps
// are p's own, and are only read. A nil p is an internal problem: a responder
// that was called for no reason must not answer as if all were well.
func (o Renderer) complete(p *Problem) Problem {
	if p == nil {
		p = &Problem{}
	}
	c := *p
	c.Kind = p.kind()
	e := byKind[c.Kind]
	if e != nil {
		c.Retryable = c.Retryable || e.retryable
	}
	if !isErrorStatus(c.Status) {
		c.Status = http.StatusInternalServerError
		if e != nil {
			c.Status = e.status
		}
	}
	if c.Title == "" {
		c.Title = title(e, c.Status)
	}
	if c.Type == "" {
		c.Type = o.typeOf(c.Kind, e != nil)
	}
	if c.Kind == KindInternal {
		c.Detail = internalDetail
	}
	if c.Instance == "" {
		c.Instance = NewInstance()
	}
	return c
}

// isErrorStatus reports whether a problem can be answered with status.
func isErrorStatus(status int) bool { return status >= 400 && status <= 599 }

func title(e *entry, status int) string {
	if e != nil {
		return e.title
	}
	if t := http.StatusText(status); t != "" {
		return t
	}
	return "Error"
}

// typeOf does not put a server's own kinds under the default base, which is a
// page on which they are not explained.
func (o Renderer) typeOf(k Kind, registered bool) string {
	switch {
	case k == "", !registered && o.TypeBase == "":
		return blankType
	case o.TypeBase == "":
		return DefaultTypeBase + string(k)
	}
	return o.TypeBase + string(k)
}

// NewInstance returns an Instance: a random UUID, version 4, as a URN (RFC 9562 section
// 5.4). It is random so that it says nothing about the server or its callers.
func NewInstance() string {
	const prefix = "urn:uuid:"
	var id [16]byte
	rand.Read(id[:]) // never fails: crypto/rand ends the process instead
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80

	var b [len(prefix) + 36]byte
	out := append(b[:0], prefix...)
	for i, part := range [...][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			out = append(out, '-')
		}
		out = hex.AppendEncode(out, part)
	}
	return string(out)
}
