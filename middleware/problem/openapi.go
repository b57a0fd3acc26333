package problem

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// object is a JSON object of an OpenAPI document.
type object = map[string]any

// Components returns what an OpenAPI 3.1 document says about problems, made
// from the same registry as the problems themselves: under "schemas" Problem,
// ProblemKind and one for each kind, such as VersionMismatchProblem; under
// "responses" one for each status, such as Problem409, with an example of each
// kind; and under "headers" the fields that these refer to. It is a part of what
// concord.OpenAPI gives, which most servers want.
//
// A kind is told by the end of its type, whatever the TypeBase of the
// [Renderer]; that must not end in a letter or "-". Responses describe
// application/problem+json, and no other form that [Negotiate] may choose.
//
// The maps are the caller's own.
func Components() map[string]any {
	responses := object{}
	for _, status := range statuses() {
		responses[responseName(status)] = response(status)
	}
	headers := object{"Link": object{
		"description": "The page that explains the problem, as `<type>; rel=\"describedby\"`.",
		"schema":      object{"type": "string"},
	}}
	for i := range registry {
		for _, f := range registry[i].fields {
			headers[componentName(f.name)] = object{"description": fieldMeanings[f.name], "schema": fieldSchema(f.name)}
		}
	}
	return object{"schemas": schemas(), "responses": responses, "headers": headers}
}

// alternatives are the statuses by which a server's configuration can have a
// kind answered in place of its own.
var alternatives = map[Kind]int{
	KindVersionMismatch: http.StatusConflict, // etag.Config.StaleStatus
	KindLocked:          http.StatusLocked,   // lock.Config.Status
}

// fieldMeanings say for all kinds what a field of a problem means.
var fieldMeanings = map[string]string{
	"ETag":        "The entity tag of the resource now. Send it back as it is, with its quotes.",
	"Location":    "Where the answer of the first request pointed, if it did.",
	"Retry-After": "Seconds to wait before the same request is sent again.",
}

func fieldSchema(name string) object {
	if name == "Retry-After" {
		return object{"type": "integer", "minimum": 1}
	}
	return object{"type": "string"}
}

// componentName is the name of a field without what generated code cannot have
// in its names.
func componentName(field string) string { return strings.ReplaceAll(field, "-", "") }

func responseName(status int) string { return "Problem" + strconv.Itoa(status) }

// schemaName is the kind as the name of a type: VersionMismatchProblem.
func schemaName(k Kind) string {
	var b strings.Builder
	for word := range strings.SplitSeq(string(k), "-") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String() + "Problem"
}

func refer(section, name string) object {
	return object{"$ref": "#/components/" + section + "/" + name}
}

// statuses lists those that a registered kind can be answered with.
func statuses() []int {
	var all []int
	for i := range registry {
		all = append(all, registry[i].statuses()...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// statuses lists those that the kind can be answered with, its own first.
func (e *entry) statuses() []int {
	if other, ok := alternatives[e.kind]; ok {
		return []int{e.status, other}
	}
	return []int{e.status}
}

func schemas() object {
	standard := object{}
	for _, m := range standardMembers {
		standard[m.name] = described(standardSchemas[m.name], m.meaning)
	}
	kinds := make([]string, len(registry))
	var meaning strings.Builder
	meaning.WriteString("The last part of a problem's type.\n")
	all := object{"Problem": object{
		"description": "A problem detail (RFC 9457). It may have further members.",
		"type":        "object",
		"required":    []string{"type", "title", "status", "instance", "retryable"},
		"properties":  standard,
	}}
	for i := range registry {
		e := &registry[i]
		kinds[i] = string(e.kind)
		meaning.WriteString("\n- `" + kinds[i] + "` (" + strconv.Itoa(e.status) + "): " + e.title + ".")
		all[schemaName(e.kind)] = e.schema()
	}
	all["ProblemKind"] = object{"type": "string", "enum": kinds, "description": meaning.String()}
	return all
}

// standardSchemas are those of the members that every problem has.
var standardSchemas = map[string]object{
	"type":      {"type": "string", "format": "uri-reference"},
	"title":     {"type": "string"},
	"status":    {"type": "integer", "minimum": 400, "maximum": 599},
	"detail":    {"type": "string"},
	"instance":  {"type": "string", "format": "uri-reference"},
	"retryable": {"type": "boolean"},
}

// member is a member that some kinds have.
type member struct {
	schema  object
	example any // nil: none is shown
}

// memberSchemas are all of them. What is not of one type for every server has no
// type here.
func memberSchemas() map[string]member {
	return map[string]member{
		"conflicting":     {object{}, "/documents/notes"},
		"constraint":      {object{"type": "string"}, nil},
		"current":         {object{}, nil},
		"current_etag":    {object{"type": "string"}, `"S_1WXFprp6refYZYJSuCzw"`},
		"expires":         {object{"type": "string", "format": "date-time"}, "2026-11-22T09:05:00Z"},
		"failed_field":    {object{"type": "string"}, "If-Match"},
		"holder":          {object{"type": "string"}, "Ann"},
		"limit":           {object{"type": "integer", "minimum": 0}, 4 << 20},
		"original_status": {object{"type": "integer", "minimum": 100, "maximum": 599}, http.StatusCreated},
		"started":         {object{"type": "string", "format": "date-time"}, "2026-11-22T09:00:00Z"},
		"wanted_fields":   {object{"type": "array", "items": object{"type": "string"}}, []string{"If-Match", "If-None-Match"}},
	}
}

// described returns a copy of a schema with its meaning.
func described(schema object, meaning string) object {
	d := object{"description": meaning}
	for name, value := range schema {
		d[name] = value
	}
	return d
}

func (e *entry) schema() object {
	own := object{
		"type":   object{"pattern": "(^|[^a-zA-Z-])" + regexp.QuoteMeta(string(e.kind)) + "$"},
		"title":  object{"examples": []string{e.title}},
		"status": object{"enum": e.statuses()},
	}
	if e.retryable {
		own["retryable"] = object{"const": true}
	}
	all := memberSchemas()
	for _, m := range e.members {
		own[m.name] = described(all[m.name].schema, m.meaning)
	}
	return object{
		"title":       e.title,
		"description": e.happened + "\n\nWhat to do: " + e.next,
		"allOf":       []any{refer("schemas", "Problem"), object{"type": "object", "properties": own}},
	}
}

// response describes all answers of one status.
func response(status int) object {
	var kinds []any
	var names []string
	examples, headers := object{}, object{"Link": refer("headers", "Link")}
	for i := range registry {
		e := &registry[i]
		if !slices.Contains(e.statuses(), status) {
			continue
		}
		kinds = append(kinds, refer("schemas", schemaName(e.kind)))
		names = append(names, "`"+string(e.kind)+"`")
		examples[string(e.kind)] = object{"summary": e.title, "value": e.example(status)}
		for _, f := range e.fields {
			headers[f.name] = refer("headers", componentName(f.name))
		}
	}
	return object{
		"description": http.StatusText(status) + ": " + strings.Join(names, ", ") + ".",
		"headers":     headers,
		"content": object{jsonType: object{
			"schema": object{
				"type":       "object",
				"properties": object{"status": object{"const": status}},
				"oneOf":      kinds,
			},
			"examples": examples,
		}},
	}
}

// example is a problem of the kind as it is rendered.
func (e *entry) example(status int) json.RawMessage {
	p := New(e.kind, "")
	p.Status = status
	p.Detail, _, _ = strings.Cut(e.happened, ". ")
	p.Detail = strings.TrimSuffix(p.Detail, ".") + "."
	p.Instance = "urn:uuid:6f1ed002-9ab3-4c2c-8d2f-3f1f6f4b8a57"
	p.Extensions = object{}
	all := memberSchemas()
	for _, m := range e.members {
		if example := all[m.name].example; example != nil {
			p.Extensions[m.name] = example
		}
	}
	whole := Renderer{}.complete(p)
	return Renderer{}.appendJSON(nil, &whole)
}
