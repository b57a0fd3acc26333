package etag

import (
	"errors"
	"net/http"
	"time"
)

// Defaults and limits of [Client].
const (
	DefaultAttempts = 5

	// MaxUpdateWait is the longest Retry-After that [Update] waits for.
	MaxUpdateWait = time.Minute

	updateBackoff    = 20 * time.Millisecond // doubled with each attempt
	maxUpdateBackoff = 2 * time.Second
	maxRedirects     = 10 // as net/http has it
)

// Client says how [Update] talks to a server. The zero value is ready to use, and
// so is a nil *Client. It is safe for concurrent use as long as nobody changes it.
type Client struct {
	// HTTP sends the requests. Nil: [http.DefaultClient]. With the Transport of
	// package idempotency a write whose answer was lost is sent again under its
	// key. Other transports that send writes again, without telling, do not go
	// together with Update: their second attempt finds the first one's work.
	HTTP *http.Client

	// Keyed says that HTTP sends an Idempotency-Key, and that the server keeps the
	// keys of this write's method. A write that is sent again and found stale was
	// then not done, and change is applied to what is there. False: it may have
	// been, so Update looks, as after any answer that was lost.
	Keyed bool

	// Method of writes. "": PUT, with the whole value as JSON. PATCH sends what
	// has changed as a JSON merge patch (RFC 7396), so that members which T does
	// not have stay as they are; a member that becomes null is taken away.
	// Another method gets the whole value. What does not exist yet is created by
	// a PUT. GET and HEAD are refused.
	Method string

	// Header has fields that all requests carry, such as Authorization. Fields
	// that begin with If- are left out: they are what Update itself sends.
	Header http.Header

	// Attempts is how often a write is sent at most, and how often the resource
	// is read beside that. Not positive: 5. So many writers at once can each need
	// as many.
	Attempts int

	// MaxBody is how many bytes of a representation are held in memory. Not
	// positive: 4 MiB.
	MaxBody int64
}

// complete returns a copy of c with its defaults.
func (c *Client) complete() (Client, error) {
	var full Client
	if c != nil {
		full = *c
	}
	if full.HTTP == nil {
		full.HTTP = http.DefaultClient
	}
	switch full.Method {
	case "":
		full.Method = http.MethodPut
	case http.MethodGet, http.MethodHead:
		return full, errors.New("Client.Method must be one that writes")
	}
	if full.Attempts <= 0 {
		full.Attempts = DefaultAttempts
	}
	if full.MaxBody <= 0 {
		full.MaxBody = DefaultMaxBody
	}
	return full, nil
}

// writer is c.HTTP, but it follows no redirect that would make a GET of a write:
// that GET would be taken for the answer to the write, preconditions and all.
func (c *Client) writer() *http.Client {
	h := *c.HTTP
	h.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		switch {
		case r.Method != via[0].Method:
			return http.ErrUseLastResponse
		case c.HTTP.CheckRedirect != nil:
			return c.HTTP.CheckRedirect(r, via)
		case len(via) >= maxRedirects:
			return errors.New("etag: too many redirects")
		}
		return nil
	}
	return &h
}
