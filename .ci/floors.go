//go:build ignore

// Floors checks the shape of the repository: which package may import which,
// and what the root module may require. Run it as
//
//	go run .ci/floors.go
//
// from the root; it prints every breach and exits with status 1 if there is one.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

const root = "github.com/concordhttp/concord"

// floors gives each package of the library its floor: it imports only packages
// of floors below its own. A package that is not listed, such as an internal
// one, belongs to the nearest listed folder above it, within which imports are
// free. "" is the root package.
var floors = map[string]int{
	"store":              1,
	"middleware/problem": 1,
	"internal/retry":     1,

	"middleware":           2,
	"store/lease":          2,
	"store/memory":         2,
	"store/sqlstore":       2,
	"store/redisstore":     2,
	"store/natsstore":      2,
	"store/storetest":      2,
	"internal/testserver":  2, // of tests, which import what they like
	"internal/openapitest": 5,
	"docs":                 5, // pages, and the test that holds them to their sources

	"etag":                3,
	"idempotency":         3,
	"middleware/collapse": 3,
	"middleware/lock":     3,

	"": 4,

	"middleware/ginadapter":  5,
	"middleware/echoadapter": 5,

	"benchmarks": 6,
	"examples":   6,
}

// requirements are all that the root module may require directly. An importer
// of Concord gets these and no more; everything heavier has a module of its own.
var requirements = []string{
	"github.com/hashicorp/golang-lru/v2",
	"github.com/stretchr/testify",
	"golang.org/x/sync",
}

// testOnly is the requirement that no package may import outside its tests.
const testOnly = "github.com/stretchr/testify"

// pkg is the part of go list's answer that the rules look at.
type pkg struct {
	ImportPath   string
	Imports      []string // of the package itself
	TestImports  []string // of its _test.go files
	XTestImports []string // of its _test package
	Deps         []string // Imports, and all that they import in turn
	Module       struct{ Path string }
}

func main() {
	breaches, err := check()
	if err != nil {
		fmt.Fprintln(os.Stderr, "floors:", err)
		os.Exit(2)
	}
	for _, b := range breaches {
		fmt.Println(b)
	}
	if len(breaches) > 0 {
		os.Exit(1)
	}
}

func check() ([]string, error) {
	pkgs, err := packages()
	if err != nil {
		return nil, err
	}
	required, err := required()
	if err != nil {
		return nil, err
	}
	breaches := checkRequirements(required)
	for _, p := range pkgs {
		breaches = append(breaches, checkFloors(p)...)
		breaches = append(breaches, checkLinks(p)...)
	}
	return breaches, nil
}

// checkRequirements wants exactly the list above, no more and no less.
func checkRequirements(required []string) (breaches []string) {
	for _, r := range required {
		if !slices.Contains(requirements, r) {
			breaches = append(breaches, fmt.Sprintf("go.mod requires %s, which an importer of Concord would link", r))
		}
	}
	for _, r := range requirements {
		if !slices.Contains(required, r) {
			breaches = append(breaches, fmt.Sprintf("go.mod does not require %s", r))
		}
	}
	return breaches
}

// checkFloors wants imports to go down, never up or sideways. Tests are free to
// use what stands beside them (a store's tests run the conformance suite), but
// nothing at all imports examples.
func checkFloors(p pkg) (breaches []string) {
	own, named := folder(p.ImportPath)
	if !named {
		return []string{p.ImportPath + " stands on no floor: give it one in .ci/floors.go"}
	}
	for _, imported := range p.Imports {
		other, ours := folder(imported)
		if !ours || own == other || floors[other] < floors[own] {
			continue
		}
		breaches = append(breaches, fmt.Sprintf("%s (floor %d) imports %s (floor %d)", p.ImportPath, floors[own], imported, floors[other]))
	}
	for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
		if other, _ := folder(imported); other == "examples" && own != "examples" {
			breaches = append(breaches, fmt.Sprintf("the tests of %s import %s", p.ImportPath, imported))
		}
	}
	return breaches
}

// checkLinks is about what a package brings along, where floors do not say it.
func checkLinks(p pkg) (breaches []string) {
	breach := func(why, dep string) {
		breaches = append(breaches, fmt.Sprintf("%s %s: %s", p.ImportPath, why, dep))
	}
	own, _ := folder(p.ImportPath)
	for _, dep := range p.Deps {
		if p.Module.Path == root && within(own, "store") && dep == "net/http" {
			breach("is below HTTP and may not link", dep)
		}
		// A third party runs the suite without taking on anything else of ours.
		if own == "store/storetest" && !standard(dep) && dep != root+"/store" {
			breach("may link the standard library and store alone", dep)
		}
		if p.Module.Path == root && within(dep, testOnly) {
			breach("links what only tests may", dep)
		}
	}
	return breaches
}

// folder returns the key in floors that path belongs to; false if it is none of
// ours. The root package is its own folder and takes in nothing below it.
func folder(path string) (string, bool) {
	if path == root {
		return "", true
	}
	rest, ours := strings.CutPrefix(path, root+"/")
	for ours && rest != "" {
		if _, listed := floors[rest]; listed {
			return rest, true
		}
		i := strings.LastIndexByte(rest, '/')
		if i < 0 {
			break
		}
		rest = rest[:i]
	}
	return "", false
}

// standard reports whether path is of the standard library: the first element
// of any other import path has a dot in it.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

func within(path, tree string) bool {
	return path == tree || strings.HasPrefix(path, tree+"/")
}

func packages() ([]pkg, error) {
	out, err := run("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports,Deps,Module", "work")
	if err != nil {
		return nil, err
	}
	var pkgs []pkg
	for dec := json.NewDecoder(strings.NewReader(out)); ; {
		var p pkg
		switch err := dec.Decode(&p); {
		case errors.Is(err, io.EOF):
			return pkgs, nil
		case err != nil:
			return nil, err
		}
		pkgs = append(pkgs, p)
	}
}

// required returns what the root's go.mod requires directly.
func required() ([]string, error) {
	out, err := run("go", "mod", "edit", "-json", "go.mod")
	if err != nil {
		return nil, err
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal([]byte(out), &mod); err != nil {
		return nil, err
	}
	var paths []string
	for _, r := range mod.Require {
		if !r.Indirect {
			paths = append(paths, r.Path)
		}
	}
	return paths, nil
}

func run(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return string(out), nil
}
