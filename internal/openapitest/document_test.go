package openapitest

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
)

type object = map[string]any

// document is the smallest one that refers to each parameter, header and
// response of the components, and by the responses to each schema.
func document(t *testing.T) object {
	t.Helper()
	var doc object
	require.NoError(t, json.Unmarshal(concord.OpenAPI(), &doc))
	components, _ := doc["components"].(object)
	section := func(name string) object {
		found, _ := components[name].(object)
		require.NotEmpty(t, found, name)
		return found
	}
	parameters := []any{object{"name": "id", "in": "path", "required": true, "schema": object{"type": "string"}}}
	for name := range section("parameters") {
		if name != "RequiredIdempotencyKey" { // the same field as IdempotencyKey
			parameters = append(parameters, refer("parameters", name))
		}
	}
	headers := object{}
	for name := range section("headers") {
		headers[name] = refer("headers", name)
	}
	responses := object{"200": object{"description": "It was done.", "headers": headers}}
	for name := range section("responses") {
		responses[name[len(name)-3:]] = refer("responses", name)
	}
	operation := func(id string, more ...any) object {
		return object{"operationId": id, "parameters": slices.Concat(parameters, more), "responses": responses}
	}
	keyed := operation("pay")
	keyed["parameters"] = []any{parameters[0], refer("parameters", "RequiredIdempotencyKey")}
	doc["openapi"] = "3.1.1"
	doc["info"] = object{"title": "An API", "version": "1"}
	doc["servers"] = []any{object{"url": "/"}}
	doc["paths"] = object{"/documents/{id}": object{
		"get": operation("read"), "put": operation("write"), "patch": keyed, "post": operation("add"), "delete": operation("remove"),
	}}
	return doc
}

func refer(section, name string) object {
	return object{"$ref": "#/components/" + section + "/" + name}
}

// judge returns a validator of doc.
func judge(t *testing.T, doc object) validator.Validator {
	t.Helper()
	content, err := json.Marshal(doc)
	require.NoError(t, err)
	parsed, err := libopenapi.NewDocument(content)
	require.NoError(t, err)
	_, err = parsed.BuildV3Model() // resolves every reference
	require.NoError(t, err)
	v, errs := validator.NewValidator(parsed)
	require.Empty(t, errs)
	return v
}

func TestTheFragmentMakesAValidDocument(t *testing.T) {
	valid, errs := judge(t, document(t)).ValidateDocument()
	for _, err := range errs {
		t.Error(err)
		for _, cause := range err.SchemaValidationErrors {
			t.Error("  ", cause)
		}
	}
	require.True(t, valid)
}

// TestTheValidatorSeesMistakes: a document that is wrong in one place is
// refused, so that the test above says something.
func TestTheValidatorSeesMistakes(t *testing.T) {
	for name, spoil := range map[string]func(components object){
		"a parameter without a place": func(c object) {
			delete(c["parameters"].(object)["IfMatch"].(object), "in")
		},
		"a response without a description": func(c object) {
			delete(c["responses"].(object)["Problem409"].(object), "description")
		},
	} {
		t.Run(name, func(t *testing.T) {
			doc := document(t)
			components, _ := doc["components"].(object)
			spoil(components)
			valid, _ := judge(t, doc).ValidateDocument()
			require.False(t, valid)
		})
	}
}
