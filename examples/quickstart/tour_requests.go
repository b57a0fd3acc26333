package main

import "encoding/json"

const (
	asJSON  = "Content-Type: application/json"
	asPatch = "Content-Type: application/merge-patch+json"
)

func get(path string, fields ...string) request {
	return request{method: "GET", path: path, fields: fields}
}

func post(doc Document) request {
	return request{method: "POST", path: "/documents", fields: []string{asJSON}, body: doc.json()}
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

func ifMatch(tag string) string     { return "If-Match: " + tag }
func ifNoneMatch(tag string) string { return "If-None-Match: " + tag }

// json returns d as a client sends it.
func (d Document) json() string {
	out, err := json.Marshal(d)
	if err != nil {
		panic(err) // two strings
	}
	return string(out)
}
