package problem

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write docs/problems.md instead of comparing it")

// The page lies under the address that DefaultTypeBase names. The headings are
// the kinds alone, since the anchors are made of them.
func TestPublishedPageIsCurrent(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "problems.md")
	want := publishedPage()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
		return
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, string(got), "docs/problems.md is stale: run go generate ./middleware/problem")
}

func publishedPage() string {
	var b strings.Builder
	paragraph := func(s ...string) { b.WriteString(strings.Join(s, "") + "\n\n") }
	terms := func(heading string, terms []term) {
		if len(terms) == 0 {
			return
		}
		if heading != "" {
			paragraph(heading)
		}
		for _, t := range terms {
			b.WriteString("- `" + t.name + "`: " + t.meaning + "\n")
		}
		b.WriteString("\n")
	}

	paragraph("<!-- Written by go generate ./middleware/problem from its registry. Do not edit. -->")
	paragraph("# ", docsTitle)
	for _, p := range docsIntro {
		paragraph(p)
	}
	terms("", contract)
	b.WriteString("| problem | status | retry |\n|---|---|---|\n")
	for _, e := range registry {
		retry := map[bool]string{true: "yes", false: "no"}[e.retryable]
		b.WriteString("| [" + string(e.kind) + "](#" + string(e.kind) + ") | " + strconv.Itoa(e.status) + " | " + retry + " |\n")
	}
	b.WriteString("\n")
	for _, e := range registry {
		paragraph("## ", string(e.kind))
		paragraph("Status ", strconv.Itoa(e.status), ". ", e.retryNote())
		paragraph("**", e.title, ".** ", e.happened)
		paragraph("**What to do.** ", e.next)
		terms("Members:", e.members)
		terms("Header fields:", e.fields)
	}
	paragraph("## Members of every problem")
	terms("", standardMembers)
	return strings.TrimSuffix(b.String(), "\n")
}
