package collapse

import (
	"net/http"
	"time"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

// Defaults of [Config].
const (
	DefaultMaxWait       = 10 * time.Second
	DefaultMaxRun        = time.Minute
	DefaultUncollapsible = 10 * time.Second
	DefaultMaxBody       = 1 << 20
	DefaultMaxFollowers  = 1000
)

// Config is what [New] takes. The zero value is ready to use: callers are then
// told apart by the fields that they send, and by nothing else.
type Config struct {
	// Principal tells callers apart beside the fields of their requests, and
	// must do so where something else decides what a caller may see, such as
	// a client certificate or an address. A request for which it returns an
	// error, or "", is not collapsed. Nil: nobody asks; requests with a client
	// certificate are then not collapsed either.
	Principal middleware.Principal

	// Resource returns the key of the resource that a request is about, so
	// that a write ends the sharing of reads that began before it. Nil: the
	// normalised path. Resources that share a key only share less.
	Resource func(*http.Request) string

	// Neutral names fields of requests that do not change what the handler
	// answers, beside those that [Neutral] lists. Requests that differ in
	// nothing else share an answer, unless its Vary names the field.
	// Authorization, Proxy-Authorization and Cookie may be named only where
	// Principal is given.
	Neutral []string

	// MaxWait is how long a request waits for the answer to another one
	// before it runs for itself. Of many that wait for one run, some may give
	// up an eighth of it sooner. Of an answer that is sent while it is written,
	// it is how long the leader's client may take nothing, or nothing but
	// fields come, before the others give it up. 0: 10 s.
	MaxWait time.Duration

	// MaxRun is how long a run can be joined, and how long its handler may
	// take before its context is cancelled. It ends to count once the answer
	// is sent while it is written. 0: 1 min.
	MaxRun time.Duration

	// Uncollapsible is how long identical requests run in parallel after an
	// answer that they could not share. 0: 10 s.
	Uncollapsible time.Duration

	// MaxBody is how many bytes of an answer are held in memory to be shared.
	// Of one that is sent while it is written, because it was flushed or said
	// how much larger it is, up to twice as much is held for those that read
	// along. 0: 1 MiB.
	MaxBody int64

	// MaxFollowers is how many requests wait for one run. Further ones run
	// for themselves. 0: 1000.
	MaxFollowers int

	// Respond writes problems: the one of a request that was cancelled while
	// it waited. Nil: [problem.JSON].
	Respond problem.Responder

	// Observer is told of each decision. Nil: nobody is.
	Observer middleware.Observer
}

// complete returns c with its defaults.
func (c Config) complete() Config {
	if c.Resource == nil {
		c.Resource = middleware.NormalisedPath
	}
	if c.Respond == nil {
		c.Respond = problem.JSON
	}
	if c.MaxWait == 0 {
		c.MaxWait = DefaultMaxWait
	}
	if c.MaxRun == 0 {
		c.MaxRun = DefaultMaxRun
	}
	if c.Uncollapsible == 0 {
		c.Uncollapsible = DefaultUncollapsible
	}
	if c.MaxBody == 0 {
		c.MaxBody = DefaultMaxBody
	}
	if c.MaxFollowers == 0 {
		c.MaxFollowers = DefaultMaxFollowers
	}
	return c
}
