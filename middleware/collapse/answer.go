package collapse

import (
	"net/http"
	"slices"

	"github.com/concordhttp/concord/middleware"
)

// outcome is what becomes of those who wait.
type outcome struct {
	answer *answer // nil: they run for themselves
	stream *stream // of an answer that is still being written, else nil
}

var refused = new(outcome)

// answer is an answer that several requests get. Nothing in it is written to
// once it is shared.
type answer struct {
	status  int
	fields  []field  // that the handler set
	deleted []string // that the handler took away
	varies  []field  // neutral fields of the leader's that the answer depends on
	body    []byte
	pattern string // the route that was taken
}

type field struct {
	name  string
	lines []string
}

// answerOf copies what others may get. What was set before the run began, by
// what stands outside of the layer, is the leader's alone: the others have their
// own.
func (r *run) answerOf(status int, fields http.Header) *answer {
	a := &answer{
		status:  status,
		fields:  make([]field, 0, len(fields)),
		deleted: r.key.outer.deletedFrom(fields),
		varies:  r.varies(varyIn(fields)),
		pattern: r.request.Pattern,
	}
	n := 0
	for _, lines := range fields {
		n += len(lines)
	}
	copies := make([]string, 0, n)
	for name, lines := range fields {
		if r.key.outer.has(name, lines) || middleware.IsHopByHop(http.CanonicalHeaderKey(name), fields) {
			continue
		}
		from := len(copies)
		copies = append(copies, lines...)
		a.fields = append(a.fields, field{name, copies[from:len(copies):len(copies)]})
	}
	return a
}

// begin sends status and fields.
func (a *answer) begin(w http.ResponseWriter, r *http.Request) {
	fields := w.Header()
	for _, name := range a.deleted {
		delete(fields, name)
	}
	for _, f := range a.fields {
		fields[f.name] = f.lines
	}
	if r.Pattern == "" {
		r.Pattern = a.pattern
	}
	w.WriteHeader(a.status)
}

// outer are the fields that the answer had when the run began.
type outer []outerField

type outerField struct {
	field
	first string // the first line, in case that it is written over
}

func (o *outer) read(fields http.Header) {
	if len(fields) == 0 {
		return
	}
	for name, lines := range fields {
		f := outerField{field: field{name, lines}}
		if len(lines) > 0 {
			f.first = lines[0]
		}
		*o = append(*o, f)
	}
}

// has reports whether the field was there and is untouched.
func (o outer) has(name string, lines []string) bool {
	i := slices.IndexFunc(o, func(f outerField) bool { return f.name == name })
	if i < 0 || len(lines) != len(o[i].lines) {
		return false
	}
	return len(lines) == 0 || &lines[0] == &o[i].lines[0] && lines[0] == o[i].first
}

func (o outer) deletedFrom(fields http.Header) (deleted []string) {
	for _, f := range o {
		if _, there := fields[f.name]; !there {
			deleted = append(deleted, f.name)
		}
	}
	return deleted
}
