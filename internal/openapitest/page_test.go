package openapitest

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheOperationOfThePageIsValid: docs/browsers.md shows how an operation
// refers to the components.
func TestTheOperationOfThePageIsValid(t *testing.T) {
	content, err := os.ReadFile("testdata/operation.json")
	require.NoError(t, err)
	var shown object
	require.NoError(t, json.Unmarshal(content, &shown))
	doc := document(t)
	paths, _ := doc["paths"].(object)
	paths["/notes"] = shown
	valid, errs := judge(t, doc).ValidateDocument()
	said, err := json.Marshal(errs)
	require.NoError(t, err)
	assert.True(t, valid, "%s", said)
}
