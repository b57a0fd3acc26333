package main

import "encoding/json"

const (
	asJSON  = "Content-Type: application/json"
	asPatch = "Content-Type: application/merge-patch+json"
)

func get(path string, fields ...string) request {
	return request{method: "GET", path: path, fields: fields}
}

func post(doc Document) request { return create("/documents", doc) }

func create(path string, v any, fields ...string) request {
	return request{method: "POST", path: path, fields: append(fields, asJSON), body: asText(v)}
}

// pay is Ann's: a key belongs to somebody.
func pay(path string, o Order, fields ...string) request {
	return as("ann", create(path, o, fields...))
}

func put(path string, doc Document, fields ...string) request {
	return request{method: "PUT", path: path, fields: append(fields, asJSON), body: doc.json()}
}

func patch(path, change string, fields ...string) request {
	return request{method: "PATCH", path: path, fields: append(fields, asPatch), body: change}
}

func remove(path string, fields ...string) request {
	return request{method: "DELETE", path: path, fields: fields}
}

// as is r from the user with this name.
func as(user string, r request) request {
	r.user = user
	return r
}

func ifMatch(tag string) string     { return "If-Match: " + tag }
func ifNoneMatch(tag string) string { return "If-None-Match: " + tag }

// key names an operation; a client makes up a random one for each.
func key(k string) string { return `Idempotency-Key: "` + k + `"` }

// replayed is in answers that are the first one's, sent again.
const replayed = "Idempotency-Replayed: true"

// json returns d as a client sends it.
func (d Document) json() string { return asText(d) }

// json returns o as a client sends it.
func (o Order) json() string { return asText(o) }

func asText(v any) string {
	out, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and numbers
	}
	return string(out)
}
