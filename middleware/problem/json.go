package problem

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

const jsonType = "application/problem+json"

// typicalJSON is room, in bytes, for a problem with some members of its own;
// longer ones grow.
const typicalJSON = 512

// appendJSON appends a complete problem as one JSON object and a line break.
func (o Renderer) appendJSON(b []byte, p *Problem, more ...extension) []byte {
	b = append(b, `{"type":`...)
	b = appendString(b, p.Type)
	b = append(b, `,"title":`...)
	b = appendString(b, p.Title)
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(p.Status), 10)
	if p.Detail != "" {
		b = append(b, `,"detail":`...)
		b = appendString(b, p.Detail)
	}
	b = append(b, `,"instance":`...)
	b = appendString(b, p.Instance)
	b = append(b, `,"retryable":`...)
	b = strconv.AppendBool(b, p.Retryable)
	for _, e := range o.extensions(p, more...) {
		b = append(b, ',')
		b = appendString(b, e.name)
		b = append(b, ':')
		b = append(b, e.value...)
	}
	return append(b, "}\n"...)
}

// extension is a member beyond the standard ones, its value as JSON.
type extension struct {
	name  string
	value []byte
}

// extensions returns p's own, the constraint if it may be shown, and more,
// sorted by name. A name in more is not p's to use, and a member of p's own
// goes before the constraint: its author knew what it is called outside.
func (o Renderer) extensions(p *Problem, more ...extension) []extension {
	all := more
	taken := func(name string) bool {
		return slices.ContainsFunc(more, func(e extension) bool { return strings.EqualFold(e.name, name) })
	}
	for name, v := range p.Extensions {
		if isStandard(name) || taken(name) {
			continue
		}
		if value, ok := marshal(v); ok {
			all = append(all, extension{name, value})
		}
	}
	if o.ShowConstraints && p.constraint != "" {
		name := "constraint"
		if p.Kind == KindDuplicate {
			name = "conflicting"
		}
		if _, own := p.Extensions[name]; !own {
			all = append(all, extension{name, appendString(nil, p.constraint)})
		}
	}
	slices.SortFunc(all, func(a, b extension) int { return strings.Compare(a.name, b.name) })
	return all
}

// isStandard reports whether a member of that name could be taken for one that
// the problem itself sets. Case is ignored because many decoders, among them
// encoding/json, ignore it: "Status" would overwrite "status" in them.
func isStandard(name string) bool {
	for _, s := range [...]string{"type", "title", "status", "detail", "instance", "retryable"} {
		if strings.EqualFold(name, s) {
			return true
		}
	}
	return name == ""
}

// marshal returns v as JSON. What cannot be marshalled, or panics on the way,
// costs one member and not the answer.
func marshal(v any) (b []byte, ok bool) {
	defer func() {
		if recover() != nil {
			b, ok = nil, false
		}
	}()
	b, err := json.Marshal(v)
	return b, err == nil
}

// appendString appends s as a JSON string in which no character can end a
// script element or be taken for markup.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, _ := json.Marshal(s) // a string always marshals
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
