package problem

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Problem is a problem detail of RFC 9457. It is an error, so that handlers can
// return it and wrap it, and [errors.As] finds it again.
//
// Whatever is left zero is filled in when the problem is rendered, on a copy:
// responders never write to a Problem, so that a package-level variable can
// serve all requests. The zero Problem is rendered as [KindInternal].
type Problem struct {
	// Kind selects status, title and type, unless those are given.
	Kind Kind
	// Type is a URI reference. Empty: the renderer's TypeBase and Kind; or
	// "about:blank" if Kind is empty, or is one of the server's own and the
	// renderer has no TypeBase.
	Type string
	// Title is the same for every occurrence of a kind. Empty: the kind's.
	Title string
	// Detail explains this occurrence to a person, in English. It is sent as
	// it is, except that a problem of KindInternal always carries one and the
	// same sentence, so that the text of an error can never get out that way.
	Detail string
	// Instance names this occurrence. Empty: a random urn:uuid.
	Instance string
	// Status is 400 to 599. Anything else: the kind's, or 500.
	Status int
	// Retryable says that the same request can succeed later. It is always
	// true for kinds for which the registry says so.
	Retryable bool

	// Header is added to the answer: Retry-After, ETag, Link and the like.
	// Link, Vary, Set-Cookie and WWW-Authenticate are added to what is there,
	// the others replace it. A problem that is retryable and has no
	// Retry-After gets one of a second.
	//
	// Ignored are fields that describe the body's form (Content-Type,
	// Content-Language, Content-Length, Content-Encoding, Content-Range) or
	// belong to the server (Date, Connection, Keep-Alive, Trailer and the
	// like), what is no field name, and what every problem is promised to
	// have: Cache-Control: no-store, which CDN-Cache-Control and
	// Surrogate-Control would undo, and X-Content-Type-Options: nosniff.
	Header http.Header
	// Extensions are further members. Standard members cannot be overwritten
	// by them, in whatever case they are written; a value that encoding/json
	// cannot marshal is left out.
	Extensions map[string]any
	// Err is the cause: it is unwrapped and may be observed, and is never
	// rendered.
	Err error

	// constraint is the name of the constraint that an SQL error spoke of. It
	// is kept apart from Extensions, since names of tables and columns are
	// shown only where ShowConstraints says so.
	constraint string

	// received marks what another server has answered this program with. It is
	// not said to clients unless somebody says it anew; see Parse.
	received bool
}

// New returns a problem of a kind with its status and title, and, if the kind
// is retryable, a Retry-After of one second. Type and Instance are left to the
// renderer. An unknown kind gets status 500.
func New(kind Kind, detail string) *Problem {
	p := &Problem{Kind: kind, Detail: detail, Status: http.StatusInternalServerError}
	if e := byKind[kind]; e != nil {
		p.Status, p.Title, p.Retryable = e.status, e.title, e.retryable
	}
	if p.Retryable {
		p.Header = http.Header{"Retry-After": {defaultRetryAfter}}
	}
	return p
}

// OfStatus returns a problem of no kind, which says no more than its status and
// detail do: type about:blank, and the title of the status (RFC 9457 section
// 4.2.1). A status below 400 or above 599 is rendered as 500.
func OfStatus(status int, detail string, err error) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Err: err}
}

// OrForbidden returns the problem that err is or wraps, or else 403 with this
// detail: for functions of a server that decide who may do something.
func OrForbidden(err error, detail string) *Problem {
	if p, ok := From(err); ok {
		return p
	}
	return OfStatus(http.StatusForbidden, detail, err)
}

// VersionMismatch says that a precondition is false: the client's copy of the
// resource is stale. Status 412.
func VersionMismatch(detail string) *Problem { return New(KindVersionMismatch, detail) }

// Duplicate says that the resource exists already. Status 409. Put what is in
// use into Extensions["conflicting"], if the client may know.
func Duplicate(detail string) *Problem { return New(KindDuplicate, detail) }

// StateConflict says that a rule of the business forbids the request as things
// are. Status 409.
func StateConflict(detail string) *Problem { return New(KindStateConflict, detail) }

// Dependency says that something else depends on the resource, or that what
// the request refers to does not exist. Status 409.
func Dependency(detail string) *Problem { return New(KindDependency, detail) }

// Locked says that somebody else holds an edit lock. Status 409; a server that
// prefers the 423 of RFC 4918 sets Status. Holder is what clients may see of
// who it is; empty, it is left out, and so is a zero expires. Others are written
// as RFC 3339 has it, of which the last second is that of the year 9999, the
// first that of the year 0. Retry-After is the time until expires, rounded up to
// whole seconds, at least one and at most 2147483647, some 68 years.
func Locked(detail, holder string, expires time.Time) *Problem {
	p := New(KindLocked, detail)
	p.Extensions = make(map[string]any, 2)
	if holder != "" {
		p.Extensions["holder"] = holder
	}
	if !expires.IsZero() {
		p.Extensions["expires"] = rfc3339(expires)
		p.RetryIn(time.Until(expires))
	}
	return p
}

// RetryIn sets Retry-After (RFC 9110 section 10.2.3) to d in whole seconds, at
// least one and at most 2147483647, some 68 years. It rounds up, since a client
// that comes back a moment early is refused again, and never says zero, which
// would mean "at once". RFC 9111 section 1.2.2 lets recipients count no further
// than 31 bits.
func (p *Problem) RetryIn(d time.Duration) {
	seconds := int64(d / time.Second)
	if d%time.Second > 0 {
		seconds++
	}
	if p.Header == nil {
		p.Header = make(http.Header, 1)
	}
	p.Header.Set("Retry-After", strconv.FormatInt(min(max(seconds, 1), math.MaxInt32), 10))
}

// rfc3339 writes t with the four digits that a year has in RFC 3339.
func rfc3339(t time.Time) string {
	t = t.UTC()
	switch year := t.Year(); {
	case year < 0:
		t = time.Date(0, time.January, 1, 0, 0, 0, 0, time.UTC)
	case year > 9999:
		t = time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC)
	}
	return t.Format(time.RFC3339)
}

// Error describes the problem for the server's own logs, with its cause. It is
// not fit for clients.
func (p *Problem) Error() string {
	if p == nil {
		return "problem: none"
	}
	var b strings.Builder
	b.WriteString("problem: ")
	b.WriteString(p.name())
	if p.Detail != "" {
		b.WriteString(": " + p.Detail)
	}
	if p.Err != nil {
		b.WriteString(": " + p.Err.Error())
	}
	return b.String()
}

// name tells one problem from others in a line of a log.
func (p *Problem) name() string {
	switch kind := p.kind(); {
	case kind != "":
		return string(kind)
	case p.Type != "" && p.Type != blankType:
		return p.Type
	}
	return strings.TrimSpace(strconv.Itoa(p.Status) + " " + p.Title)
}

// Unwrap returns Err.
func (p *Problem) Unwrap() error {
	if p == nil {
		return nil
	}
	return p.Err
}
