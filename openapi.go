package concord

import (
	"encoding/json"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/problem"
)

// OpenAPI returns what Concord adds to an API as the components of an OpenAPI
// 3.1 document: one JSON object with the one member "components", in which are
//
//	parameters  IdempotencyKey, RequiredIdempotencyKey, IfMatch, IfNoneMatch,
//	            IfUnmodifiedSince, LockToken, LockTimeout, Prefer
//	headers     CacheStatus, ETag, IdempotencyReplayed, Link, Location,
//	            LockToken, LockTimeout, PreferenceApplied, RetryAfter
//	schemas     Problem, ProblemKind, and one for each kind of problem
//	responses   Problem400, Problem409, Problem412, Problem413, Problem422,
//	            Problem423, Problem428, Problem500, Problem503
//
// Merge it into the document of the server, and refer to what each operation
// uses: "$ref": "#/components/responses/Problem409". Problems come from the
// registry that they are answered from, so the document cannot say anything
// else than the server.
//
// It describes the default configuration. A server with names of its own
// (idempotency.Config.Header, ReplayField), with kinds of its own, or with a
// Respond that writes another body changes what it has merged.
//
// It fails never; the bytes are the caller's own, and the same at each call.
func OpenAPI() []byte {
	components := problem.Components()
	components["parameters"] = openAPIParameters()
	headers, _ := components["headers"].(map[string]any)
	for name, header := range openAPIHeaders {
		headers[name] = map[string]any{"description": header.meaning, "schema": header.schema}
	}
	document, err := json.MarshalIndent(map[string]any{"components": components}, "", "  ")
	if err != nil {
		panic(err) // it is made of constants: tests have seen it marshalled
	}
	return document
}

// openAPITerm is a field, what it means, and what it may look like.
type openAPITerm struct {
	name, meaning string
	schema        map[string]any
}

var anyText = map[string]any{"type": "string"}

// openAPIHeaders are the fields of answers that are no problems.
var openAPIHeaders = map[string]openAPITerm{
	"CacheStatus": {"Cache-Status", "Says `concord; fwd=miss; collapsed` if the answer was shared with an identical request that came at the same time (RFC 9211).", anyText},
	"ETag":        {"ETag", "The version of the resource. Send it back as it is, with its quotes, in If-Match to change this version.", anyText},
	"IdempotencyReplayed": {idempotency.DefaultReplayField, "`true` if this is the answer that the first request with the same Idempotency-Key got, and nothing was done now.",
		map[string]any{"type": "string", "enum": []string{"true"}}},
	"PreferenceApplied": {"Preference-Applied", "`return=representation` if the member current has the current representation, as asked for in Prefer.",
		map[string]any{"type": "string", "enum": []string{"return=representation"}}},
	"LockToken":   {"Lock-Token", "The edit lock that was granted, as `<urn:uuid:…>`. Send it with writes, and with UNLOCK.", anyText},
	"LockTimeout": {"Timeout", "How long the edit lock lasts unless it is renewed, as `Second-300`.", anyText},
}

func openAPIParameters() map[string]any {
	key := openAPITerm{
		idempotency.DefaultHeader, "Names this operation, so that it is done once however often the request is sent: 1 to 255 visible ASCII characters, best a UUID in double quotes. Make it up once for each operation and keep it for every retry.",
		map[string]any{"type": "string", "minLength": 1},
	}
	required := key.parameter()
	required["required"] = true
	return map[string]any{
		"IdempotencyKey":         key.parameter(),
		"RequiredIdempotencyKey": required,
		"IfMatch": openAPITerm{
			"If-Match", "The ETag of the version that this changes, with its quotes; or `*`, whatever exists. If it is stale the answer is 412 and nothing is changed.",
			map[string]any{"type": "string", "minLength": 1},
		}.parameter(),
		"IfNoneMatch": openAPITerm{
			"If-None-Match", "`*` with a PUT: only create, and change nothing that exists (412). With a GET the ETag that the client has: 304 if it is still current.",
			map[string]any{"type": "string", "minLength": 1},
		}.parameter(),
		"IfUnmodifiedSince": openAPITerm{
			"If-Unmodified-Since", "The Last-Modified of the version that this changes, for resources without an ETag. It cannot tell two changes within a second apart.", anyText,
		}.parameter(),
		"LockToken": openAPITerm{
			"Lock-Token", "The token of the edit lock under which this is written, as LOCK answered it.", anyText,
		}.parameter(),
		"LockTimeout": openAPITerm{
			"Timeout", "How long an edit lock is wanted for, as `Second-300`.", anyText,
		}.parameter(),
		"Prefer": openAPITerm{
			"Prefer", "`return=representation` (RFC 7240): a 412 then has the current representation in its member current, where the server can read it.", anyText,
		}.parameter(),
	}
}

func (t openAPITerm) parameter() map[string]any {
	return map[string]any{"name": t.name, "in": "header", "description": t.meaning, "schema": t.schema}
}
