package clients

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A row without a test is a claim, and a test without a row is not found.
func TestREADMENamesEveryTest(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	named := find(string(readme), "`(Test[A-Za-z0-9]+)`")

	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	var written []string
	for _, file := range files {
		if file == "readme_test.go" {
			continue
		}
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		written = append(written, find(string(source), `(?m)^func (Test[A-Za-z0-9]+)\(`)...)
	}
	slices.Sort(named)
	slices.Sort(written)
	assert.NotEmpty(t, written)
	assert.Equal(t, written, named)
}

// find returns what the group of a pattern matches in text.
func find(text, pattern string) (all []string) {
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		all = append(all, match[1])
	}
	return all
}
