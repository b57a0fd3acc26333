package problem_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware/problem"
)

func TestDriversAreToldByTheirWholePath(t *testing.T) {
	const driver = "modernc.org/sqlite"
	own := reflect.TypeFor[methodError]().PkgPath() // ends in /problem_test
	for path, known := range map[string]bool{
		own:                                    true,
		strings.TrimSuffix(own, "_test"):       false, // the name goes on
		filepath.ToSlash(filepath.Dir(own)):    true,  // a package, or version, below
		own + "/v2":                            false,
		strings.TrimPrefix(own, "github.com/"): false, // within the path
	} {
		t.Run(path, func(t *testing.T) {
			problem.ReadAs(t, path, driver)
			_, ok := problem.FromSQL(&methodError{"", 2067})
			assert.Equal(t, known, ok)
		})
	}
}

// A name that is no literal has the linker keep every exported method of every
// program that imports this package.
func TestMethodsAreLookedUpByLiteralNames(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	lookups := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if f, ok := call.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "MethodByName" {
				lookups++
				assert.IsType(t, (*ast.BasicLit)(nil), call.Args[0], name)
			}
			return true
		})
	}
	assert.NotZero(t, lookups, "this test looks for what is there")
}
