// Package docs holds the pages of the project to their sources. Each block of
// each Markdown file names its source above itself,
//
//	<!-- from examples/docs/modes_test.go#transactional -->
//
// a file of the repository, or declarations in it: what is read is what is
// compiled and run. After a change
//
//	go test ./docs -update
//
// writes the blocks anew.
package docs

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = ".."

var update = flag.Bool("update", false, "write what the pages show into them")

// fence is a block of a page, and the line above it.
var fence = regexp.MustCompile("(.*)\n```([a-z]*)\n((?:.*\n)*?)```(?m:$)")

// indented is Go in a block that is indented in place of fenced, which has no
// source: a declaration, a function or the call of a method. Commands, and what
// they print, have none of these.
var indented = regexp.MustCompile(`(?m)^(?: {4}|\t).*(?: := |\bfunc\b|\.\w+\().*$`)

// source is what the line above a block says: where its text comes from.
var source = regexp.MustCompile(`^<!-- from ([^ #]+)(?:#([\w.,]+))? -->$`)

// TestEveryBlockIsWhatItsSourceSays: of each Markdown file in the repository.
func TestEveryBlockIsWhatItsSourceSays(t *testing.T) {
	blocks := 0
	for _, page := range pages(t) {
		t.Run(page, func(t *testing.T) {
			path := filepath.Join(root, page)
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			held, count, faults := hold(string(content))
			for _, fault := range faults {
				t.Error(fault)
			}
			blocks += count
			if *update && held != string(content) {
				require.NoError(t, os.WriteFile(path, []byte(held), 0o644))
			}
			assert.Equal(t, bytes.Count(append([]byte("\n"), content...), []byte("\n```")), 2*count, "a fence that is not seen")
		})
	}
	assert.Greater(t, blocks, 15, "the pages were found")
}

// hold returns the page with each block as its source says, how many blocks
// there are, and what is wrong with them: they differ, or have no source, as what
// is only indented never has.
func hold(page string) (held string, blocks int, faults []string) {
	held = fence.ReplaceAllStringFunc(page, func(block string) string {
		blocks++
		part := fence.FindStringSubmatch(block)
		above, language, text := part[1], part[2], part[3]
		want, err := sourceOf(above)
		switch {
		case err != nil:
			faults = append(faults, fmt.Sprintf("%v, of this block of %s:\n%s", err, language, text))
			return block
		case text != want && !*update:
			faults = append(faults, fmt.Sprintf("not what %s says; go test ./docs -update writes it\n--- page\n%s--- source\n%s", above, text, want))
		}
		return above + "\n```" + language + "\n" + want + "```"
	})
	for _, line := range indented.FindAllString(fence.ReplaceAllString(page, ""), -1) {
		faults = append(faults, "Go without a fence, and so without a source: "+line)
	}
	return held, blocks, faults
}

// sourceOf returns what the block below the line above must be.
func sourceOf(above string) (string, error) {
	from := source.FindStringSubmatch(above)
	if from == nil {
		return "", errors.New("no source")
	}
	return read(from[1], from[2])
}

// pages lists the Markdown files.
func pages(t *testing.T) (found []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() && (name == "testdata" || name == "node_modules" || len(name) > 2 && name[0] == '.') {
			return filepath.SkipDir
		}
		if filepath.Ext(path) == ".md" {
			page, err := filepath.Rel(root, path)
			found = append(found, filepath.ToSlash(page))
			return err
		}
		return nil
	}))
	return found
}

// read returns a file, or the named declarations of a Go file.
func read(path, names string) (string, error) {
	content, err := os.ReadFile(filepath.Join(root, path))
	if err != nil || names == "" {
		return string(content), err
	}
	var out []string
	for name := range strings.SplitSeq(names, ",") {
		text, err := declaration(content, name)
		if err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
		out = append(out, text)
	}
	return strings.Join(out, "\n"), nil
}

// declaration returns what declares a function, method (Type.Name), type,
// variable or constant, with its comment, as it stands in the file.
func declaration(content []byte, name string) (string, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "", content, parser.ParseComments)
	if err != nil {
		return "", err
	}
	for _, d := range file.Decls {
		doc := declares(d, name)
		if doc == nil {
			continue
		}
		from, to := files.Position(d.Pos()).Offset, files.Position(d.End()).Offset
		if *doc != nil {
			from = files.Position((*doc).Pos()).Offset
		}
		return string(content[from:to]) + "\n", nil
	}
	return "", fmt.Errorf("nothing declares %s", name)
}

// declares returns the comment of d if it declares name, else nil.
func declares(d ast.Decl, name string) (doc **ast.CommentGroup) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		own := d.Name.Name
		if d.Recv != nil {
			receiver := d.Recv.List[0].Type
			if pointer, ok := receiver.(*ast.StarExpr); ok {
				receiver = pointer.X
			}
			own = fmt.Sprint(receiver) + "." + own
		}
		if own == name {
			return &d.Doc
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Name.Name == name {
					return &d.Doc
				}
			case *ast.ValueSpec:
				if spec.Names[0].Name == name {
					return &d.Doc
				}
			}
		}
	}
	return nil
}

// TestBlocksWithoutASourceAreSeen: so are those that have changed.
func TestBlocksWithoutASourceAreSeen(t *testing.T) {
	if *update {
		t.Skip("-update writes what differs")
	}
	const doc = "```go\npackage docs\n```\n"
	for name, page := range map[string]string{
		"without a source":                   "Text.\n" + doc,
		"changed":                            "<!-- from examples/docs/doc.go -->\n" + doc,
		"of a file that there is not":        "<!-- from examples/docs/other.go -->\n" + doc,
		"of a declaration that there is not": "<!-- from examples/docs/doc.go#other -->\n" + doc,
	} {
		t.Run(name, func(t *testing.T) {
			_, blocks, faults := hold(page)
			assert.Equal(t, 1, blocks)
			assert.Len(t, faults, 1)
		})
	}
	for line, fault := range map[string]bool{
		"    client := &http.Client{}":                   true,
		"\tfunc main() {":                                true,
		`    config.Require = concord.Routes("PUT /")`:   true,
		"    go run ./examples/payments -drill":          false,
		`    curl -H "If-Match: $(cat tag)" localhost`:   false,
		"    20 kills (seed 7), 75 orders: 75 charged.":  false,
		"Call `stack.Handler(mux)`, and x := 1 in text.": false,
	} {
		_, _, faults := hold("Text.\n\n" + line + "\n")
		assert.Equal(t, fault, len(faults) == 1, line)
	}
}

var link = regexp.MustCompile(`\]\(([^)#\s]*)(?:#([^)\s]+))?\)`)

// TestLinksLeadSomewhere: to files and headings that there are. What is on other
// sites is not looked at.
func TestLinksLeadSomewhere(t *testing.T) {
	for _, page := range pages(t) {
		content, err := os.ReadFile(filepath.Join(root, page))
		require.NoError(t, err)
		for _, found := range link.FindAllStringSubmatch(fence.ReplaceAllString(string(content), ""), -1) {
			to, heading := found[1], found[2]
			if strings.Contains(to, "://") {
				continue
			}
			path := filepath.Join(root, page)
			if to != "" {
				path = filepath.Join(root, filepath.Dir(page), to)
			}
			if _, err := os.Stat(path); !assert.NoError(t, err, page) || heading == "" {
				continue
			}
			target, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Contains(t, headings(string(target)), heading, "%s: %s", page, found[0])
		}
	}
}

// headings lists what the headings of a page are called in links to them.
func headings(page string) (names []string) {
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(page, -1) {
		name := regexp.MustCompile(`[^\w\- ]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}
